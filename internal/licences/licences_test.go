package main

import (
	"bytes"
	"os"
	"testing"
)

// TestTheListIsTrue: docs/licences.md names what is linked, no more and no less, and all of it is permissive.
func TestTheListIsTrue(t *testing.T) {
	modules, err := linked()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../../docs/licences.md")
	if err != nil {
		t.Fatal(err)
	}
	if got := list(modules); !bytes.Equal(got, want) {
		t.Errorf("docs/licences.md is not true any more: run make licences and read the difference\n%s", got)
	}
}

func TestWhatIsNotPermissiveIsUnknown(t *testing.T) {
	for text, want := range map[string]string{
		"GNU GENERAL PUBLIC LICENSE Version 3": "", "Business Source License 1.1": "", "All rights reserved.": "",
		"Apache License\n   Version 2.0, January 2004":                                         "Apache-2.0",
		"Permission is hereby granted, free of charge, to any person":                          "MIT",
		"Redistribution and use in source and binary forms ... to endorse or promote products": "BSD-3-Clause",
	} {
		if got := identify(text); got != want {
			t.Errorf("%q is taken for %q", text, got)
		}
	}
}
