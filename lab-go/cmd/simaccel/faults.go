package main

import (
	"fmt"
	"slices"
	"strings"
)

// phantomDevices is how many devices fault phantom publishes on top of the real ones.
const phantomDevices = 2

// The names of --fault. Each one is described in faultDocs.
const (
	grantAll         = "grant-all"
	sameDevice       = "same-device"
	noDevice         = "no-device"
	brokenAfterReuse = "broken-after-reuse"
	neverRelease     = "never-release"
	foreignUUID      = "foreign-uuid"
	phantom          = "phantom"
	allowCgroup      = "allow-cgroup"
	partialSlices    = "partial-slices"
	sharedControl    = "shared-control"
	allNodes         = "all-nodes"
	twoSlices        = "two-slices"

	metricsStaticUtilization = "metrics-static-utilization"
	metricsStaticMemory      = "metrics-static-memory"
	metricsByAllocation      = "metrics-by-allocation"
	metricsFrozen            = "metrics-frozen"
	metricsKeepPeak          = "metrics-keep-peak"
	metricsNodeSum           = "metrics-node-sum"
	metricsSumEverywhere     = "metrics-sum-everywhere"
	metricsSwapped           = "metrics-swapped"
	metricsOneMissing        = "metrics-one-missing"
	metricsNoMemory          = "metrics-no-memory"
	metricsNoSamples         = "metrics-no-samples"
	metricsMalformed         = "metrics-malformed"
)

// faultDoc says what one name does.
type faultDoc struct {
	name    string
	mode    string // the only mode that has it, or "" for both
	variant bool   // unusual but sound: a suite must accept it
	text    string
}

var faultDocs = []faultDoc{
	{name: grantAll, text: "every grant carries every device of the node, identities included"},
	{name: sameDevice, text: "every grant carries device 0, whatever was allocated"},
	{name: noDevice, text: "a grant carries the environment and identities, but no device node"},
	{name: brokenAfterReuse, text: "a device that was released once since this process started is granted " +
		"without its device node afterwards"},
	{name: neverRelease, text: "dra: Unprepare fails for ever, so claims stay reserved; device-plugin: a device " +
		"turns Unhealthy for good once it was allocated"},
	{name: foreignUUID, text: "a grant lists the identities of all devices, but carries only the granted node"},
	{name: phantom, text: "two devices more than exist are published, and their grants carry no device node"},
	{name: allowCgroup, text: "a grant also carries the node's other devices at hidden paths outside /dev, so that " +
		"a device node the holder makes itself for a foreign number opens"},
	{name: partialSlices, mode: modeDRA, text: "the pool announces two ResourceSlices and only one is published"},
	{name: sharedControl, variant: true, text: "every grant also carries the control node /dev/" + controlName +
		", shared by all holders like /dev/kfd or /dev/nvidiactl"},
	{name: allNodes, mode: modeDRA, variant: true, text: "ResourceSlices say where they belong by nodeSelector " +
		"instead of nodeName"},
	{name: twoSlices, mode: modeDRA, variant: true, text: "the pool is published in two ResourceSlices, half of " +
		"the devices in each"},
	{name: metricsStaticUtilization, text: "metrics: every device is always 42 % busy"},
	{name: metricsStaticMemory, text: "metrics: every device always uses the same memory"},
	{name: metricsByAllocation, text: "metrics: a device that is held is fully busy and its memory full, whatever its " +
		"holder does"},
	{name: metricsFrozen, text: "metrics: the values of the first scrape are repeated for ever"},
	{name: metricsKeepPeak, text: "metrics: every value stays at the highest that was seen"},
	{name: metricsNodeSum, text: "metrics: one series for the whole node, the sum of its devices"},
	{name: metricsSumEverywhere, text: "metrics: every device shows the sum of the node"},
	{name: metricsSwapped, text: "metrics: devices 0 and 1, 2 and 3 and so on show each other's values"},
	{name: metricsOneMissing, text: "metrics: the last device is left out"},
	{name: metricsNoMemory, text: "metrics: utilization only"},
	{name: metricsNoSamples, text: "metrics: HELP and TYPE lines without samples"},
	{name: metricsMalformed, text: "metrics: text that breaks the exposition format"},
}

// faultSet is the set of --fault names in force.
type faultSet map[string]bool

func (f faultSet) has(name string) bool { return f[name] }

// parseFaults checks the names for the mode. An unknown name, or one of the other mode, is an error.
func parseFaults(names []string, mode string) (faultSet, error) {
	set := faultSet{}
	for _, name := range names {
		at := slices.IndexFunc(faultDocs, func(doc faultDoc) bool { return doc.name == name })
		if at < 0 {
			return nil, fmt.Errorf("--fault %q is unknown: use one of %s", name, strings.Join(faultNames(), ", "))
		}
		if only := faultDocs[at].mode; only != "" && mode != "" && only != mode {
			return nil, fmt.Errorf("--fault %s exists only with --mode %s", name, only)
		}
		set[name] = true
	}
	return set, nil
}

func faultNames() []string {
	var names []string
	for _, doc := range faultDocs {
		names = append(names, doc.name)
	}
	return names
}

// faultHelp is the part of the help that describes the faults.
func faultHelp() string {
	var text strings.Builder
	text.WriteString("Faults and sound variants (--fault NAME):\n")
	for _, doc := range faultDocs {
		kind := "fault"
		if doc.variant {
			kind = "variant"
		}
		if doc.mode != "" {
			kind += ", " + doc.mode + " only"
		}
		fmt.Fprintf(&text, "  %-26s %s (%s)\n", doc.name, doc.text, kind)
	}
	return text.String()
}
