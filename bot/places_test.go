package bot_test

import (
	"fmt"
	"strings"
	"testing"

	"faro/bot"
)

// TestFindsPlaces: by name, city or state, with typos, and by a shared location, nearest first; each
// with the year it is known from. The location is not kept.
func TestFindsPlaces(t *testing.T) {
	asked := func() *someone {
		s := known(t, bot.Telegram, "es")
		s.taps("answer/find-facility")
		return s
	}
	for words, want := range map[string]string{
		"Tapachula":                       "tapachula",
		"tapachulla":                      "tapachula",
		"estoy en TUXTLA GUTIERREZ":       "tuxtla",
		"Chiapas":                         "huehuetan+palenque+tapachula",
		"Nuevo León":                      "monterrey",
		"ciudad juarez":                   "juarez",
		"Siglo":                           "",
		"París":                           "",
		"Veracruz":                        "veracruz+acayucan",
		"la estación migratoria Acayucan": "acayucan",
	} {
		s := asked()
		turn := s.says(words)
		if want == "" {
			if s.d.At.Step == "places" {
				t.Errorf("%q names %s", words, s.d.At.Arg)
			}
			continue
		}
		if s.d.At != (bot.Screen{Step: "places", Arg: want}) {
			t.Errorf("%q: at %v", words, s.d.At)
		}
		if !strings.Contains(said(turn), "(202") && !strings.Contains(said(turn), "(2019") {
			t.Errorf("%q: no year in %q", words, said(turn))
		}
	}
	for at, want := range map[bot.Position]string{
		{North: 14.9, East: -92.3}:   "tapachula+huehuetan+tuxtla",
		{North: 32.5, East: -117.0}:  "mexicali",
		{North: 25.7, East: -100.3}:  "monterrey",
		{North: 90, East: 180}:       "mexicali",
		{North: -1e300, East: 1e300}: "",
	} {
		s := known(t, bot.Telegram, "es")
		turn := s.send(bot.Input{Kind: bot.Location, Position: at})
		if s.d.At.Step != "places" || !strings.HasPrefix(s.d.At.Arg, want) || len(turn.Replies) != 1 {
			t.Errorf("%f, %f: at %v", at.North, at.East, s.d.At)
		}
		record, err := s.d.MarshalText()
		if err != nil || strings.Contains(string(record), "14.9") {
			t.Errorf("the record is %s, %v", record, err)
		}
	}
	if got := fmt.Sprint(bot.Input{Position: bot.Position{North: 14.9, East: -92.3}}); strings.Contains(got, "14.9") {
		t.Errorf("a position prints as %s", got)
	}
}
