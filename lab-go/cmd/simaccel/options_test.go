package main

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestUsageErrorsNameTheFlag(t *testing.T) {
	sound := []string{"--mode", "dra", "--node-name", "n"}
	for _, test := range []struct{ extra, want string }{
		{"--mode=cuda", `--mode "cuda"`},
		{"--node-name=", "--node-name is missing"},
		{"--driver-name=Bad_Name", "--driver-name"},
		{"--resource-name=plain", "--resource-name"},
		{"--driver-version=new", "--driver-version"},
		{"--memory=much", "--memory"},
		{"--memory=-1", "--memory"},
		{"--devices=-1", "--devices"},
		{"--devices=127", "--devices"},
		{"--major=0", "--major"},
		{"--minor-step=2", "--minor-step"},
		{"--fault=nope", `--fault "nope" is unknown`},
		{"--nonsense=1", "nonsense"},
		{"surplus", "surplus"},
	} {
		_, err := parseOptions(append(slices.Clone(sound), test.extra), io.Discard)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want an error with %q", test.extra, err, test.want)
		}
	}
	if code := Main([]string{"--fault", "nope"}); code != exitUsage {
		t.Errorf("unknown fault: exit %d, want %d", code, exitUsage)
	}
}

func TestFaultsOfTheOtherModeAreRefused(t *testing.T) {
	for _, doc := range faultDocs {
		_, err := parseOptions([]string{"--mode", modeDevicePlugin, "--node-name", "n", "--fault", doc.name}, io.Discard)
		if (err != nil) != (doc.mode == modeDRA) {
			t.Errorf("%s with %s: %v", doc.name, modeDevicePlugin, err)
		}
	}
}

func TestControlNodeNeedsAFreeMinor(t *testing.T) {
	args := []string{"--mode", modeDRA, "--node-name", "n", "--fault", sharedControl, "--devices"}
	if _, err := parseOptions(append(slices.Clone(args), "9"), io.Discard); err != nil {
		t.Errorf("9 devices: %v", err)
	}
	if _, err := parseOptions(append(slices.Clone(args), "10"), io.Discard); err == nil {
		t.Error("10 devices share their last minor with the control node, and that was accepted")
	}
}

func TestHelpDescribesEveryFault(t *testing.T) {
	var out bytes.Buffer
	if _, err := parseOptions([]string{"--help"}, &out); !errors.Is(err, pflag.ErrHelp) {
		t.Fatalf("--help: %v", err)
	}
	for _, doc := range faultDocs {
		if !strings.Contains(out.String(), doc.name) || doc.text == "" {
			t.Errorf("the help says nothing about %s", doc.name)
		}
	}
}
