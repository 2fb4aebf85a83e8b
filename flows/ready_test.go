package flows_test

import (
	"slices"
	"testing"

	"faro/flows"
)

func TestReadyNoticesAreInOrder(t *testing.T) {
	c := &flows.Content{Ready: map[string]*flows.Ready{
		"b": {ID: "b", Order: 2}, "c": {ID: "c", Order: 10}, "a": {ID: "a", Order: 2}, "z": {ID: "z", Order: 1},
	}}
	var got []string
	for _, r := range c.ReadyNotices() {
		got = append(got, r.ID)
	}
	if want := []string{"z", "a", "b", "c"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
