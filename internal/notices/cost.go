package notices

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Prices are what one SMS segment costs, by the country of the number.
type Prices struct {
	Currency string
	ByRegion map[string]float64 // ISO 3166-1 alpha-2; "*" for all others
}

// ParsePrices reads "USD MX=0.06 US=0.01 *=0.10". Empty text is no prices.
func ParsePrices(text string) (Prices, error) {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return Prices{}, nil
	}
	p := Prices{Currency: fields[0], ByRegion: map[string]float64{}}
	wrong := errors.New(`not prices like "USD MX=0.06 US=0.01 *=0.10": a currency, then the price of a segment by country`)
	if len(p.Currency) != 3 || strings.ToUpper(p.Currency) != p.Currency || len(fields) == 1 {
		return Prices{}, wrong
	}
	for _, field := range fields[1:] {
		region, price, ok := strings.Cut(field, "=")
		n, err := strconv.ParseFloat(price, 64)
		known := region == "*" || phonenumbers.GetCountryCodeForRegion(region) != 0
		if !ok || err != nil || !(n >= 0 && n < 1000) || !known {
			return Prices{}, wrong
		}
		p.ByRegion[region] = n
	}
	return p, nil
}

// A bill adds up what text messages cost.
type bill struct {
	prices  Prices
	sum     float64
	unknown map[string]bool // countries without a price
}

func (b *bill) add(number string, segments int) {
	if b.prices.Currency == "" {
		return
	}
	region := "*"
	if n, err := phonenumbers.Parse(number, ""); err == nil {
		region = phonenumbers.GetRegionCodeForNumber(n)
	}
	price, ok := b.prices.ByRegion[region]
	if !ok {
		price, ok = b.prices.ByRegion["*"]
	}
	if !ok {
		if b.unknown == nil {
			b.unknown = map[string]bool{}
		}
		b.unknown[region] = true
	}
	b.sum += price * float64(segments)
}

// String is the sum with its currency, "" if there are no prices. A country without a price is named.
func (b *bill) String() string {
	if b.prices.Currency == "" {
		return ""
	}
	text := fmt.Sprintf("%.2f %s", b.sum, b.prices.Currency)
	if len(b.unknown) > 0 {
		text += " + ? (" + strings.Join(slices.Sorted(maps.Keys(b.unknown)), ", ") + ")"
	}
	return text
}
