package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// exposition scrapes an exporter of two devices, of which the first one is held, half busy and uses 3 MiB.
func exposition(t *testing.T, args ...string) (string, *exporter) {
	t.Helper()
	inv := testInventory(t, args...)
	busy := holder{"ns", "busy", "c"}
	reading := func(n int) map[holder]usage {
		return map[holder]usage{busy: {time.Unix(int64(1000+n), 0), work{"1": time.Duration(n) * time.Second / 2}, 3 << 20}}
	}
	made := newExporter(inv, &fakeReader{
		held:     map[string][]holder{inv.devices[0].uuid: {busy}},
		readings: []map[holder]usage{reading(0), reading(1), reading(2), reading(3)},
	})
	return text(t, made), made
}

func text(t *testing.T, made *exporter) string {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(made)
	answer := httptest.NewRecorder()
	handler := distorted(made.inv, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("status %d: %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

// samples are the lines of one metric.
func samples(text, name string) []string {
	var found []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, name) {
			found = append(found, strings.TrimSuffix(line, "\n"))
		}
	}
	return found
}

func TestFormatsUseTheirNamesUnitsAndLabels(t *testing.T) {
	uuid := testInventory(t).devices[0].uuid
	for _, test := range []struct{ args, name, label, value string }{
		{"--metrics-format=dcgm", "DCGM_FI_DEV_GPU_UTIL", `UUID="` + uuid + `"`, " 50"},
		{"--metrics-format=dcgm", "DCGM_FI_DEV_FB_USED", `pod="busy"`, " 3"},
		{"--metrics-format=dcgm-mig", "DCGM_FI_PROF_GR_ENGINE_ACTIVE", `GPU_I_ID="1"`, " 0.5"},
		{"--metrics-format=otel", "hw_gpu_utilization_ratio", `hw_id="` + uuid + `"`, " 0.5"},
		{"--metrics-format=otel", "hw_gpu_memory_usage_bytes", `hw_name="accel-0"`, " 3.145728e+06"},
		{"--metrics-format=amd", "gpu_used_vram", `serial_number="` + uuid + `"`, " 3"},
		{"--metrics-format=native", "simaccel_utilization_percent", `container="c"`, " 50"},
	} {
		shown, _ := exposition(t, test.args)
		lines := samples(shown, test.name)
		if len(lines) != 2 {
			t.Errorf("%s: %s is %q, want two lines", test.args, test.name, lines)
		}
		for _, line := range lines {
			want := " 0"
			if strings.Contains(line, test.label) {
				want = test.value
			}
			if !strings.HasSuffix(line, want) {
				t.Errorf("%s: %q does not end with %q", test.args, line, want)
			}
		}
		if !strings.Contains(strings.Join(lines, ""), test.label) {
			t.Errorf("%s: no line has %s: %q", test.args, test.label, lines)
		}
	}
	shown, _ := exposition(t, "--metrics-format=amd", "--metrics-prefix=amd_")
	if len(samples(shown, "amd_gpu_gfx_activity{")) != 2 || len(samples(shown, "# TYPE amd_gpu_gfx_activity gauge")) != 1 {
		t.Errorf("prefix: %s", shown)
	}
}

func TestUnknownFormatsAreRefused(t *testing.T) {
	_, err := parseOptions([]string{"--mode", modeDRA, "--node-name", "n", "--metrics-format", "x"}, t.Output())
	if err == nil || !strings.Contains(err.Error(), formatNative) {
		t.Errorf("got %v", err)
	}
}

func TestFaultsOfTheMetrics(t *testing.T) {
	const util, memory = "DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_FB_USED"
	for _, test := range []struct {
		fault, name string
		ends        []string // of the lines of name, in order of devices
	}{
		{metricsStaticUtilization, util, []string{" 42", " 42"}},
		{metricsStaticUtilization, memory, []string{" 3", " 0"}},
		{metricsStaticMemory, memory, []string{" 1024", " 1024"}},
		{metricsByAllocation, util, []string{" 100", " 0"}},
		{metricsByAllocation, memory, []string{" 16384", " 0"}},
		{metricsNodeSum, util, []string{util + " 50"}},
		{metricsSumEverywhere, util, []string{" 50", " 50"}},
		{metricsSwapped, util, []string{" 0", " 50"}},
		{metricsOneMissing, util, []string{" 50"}},
		{metricsNoMemory, util, []string{" 50", " 0"}},
		{metricsNoMemory, memory, nil},
		{metricsNoSamples, util, nil},
		{metricsMalformed, util, []string{" 50%", " 0%"}},
	} {
		shown, _ := exposition(t, "--fault", test.fault)
		lines := samples(shown, test.name)
		if len(lines) != len(test.ends) {
			t.Errorf("%s: %s is %q, want %d lines", test.fault, test.name, lines, len(test.ends))
			continue
		}
		for i, end := range test.ends {
			if !strings.HasSuffix(lines[i], end) {
				t.Errorf("%s: %q does not end with %q", test.fault, lines[i], end)
			}
		}
	}
	if shown, _ := exposition(t, "--fault", metricsNoSamples); len(samples(shown, "# HELP "+util)) != 1 {
		t.Errorf("no HELP line: %s", shown)
	}
}

func TestFaultsThatRemember(t *testing.T) {
	idle := map[holder]usage{{"ns", "busy", "c"}: {at: time.Unix(1010, 0), work: work{"1": 1500 * time.Millisecond}}}
	for fault, want := range map[string]string{metricsFrozen: " 50", metricsKeepPeak: " 50", "": " 0"} {
		args := []string{}
		if fault != "" {
			args = []string{"--fault", fault}
		}
		_, made := exposition(t, args...)
		made.last = map[holder]usage{{"ns", "busy", "c"}: {at: time.Unix(1005, 0), work: work{"1": 1500 * time.Millisecond}}}
		made.reader.(*fakeReader).readings = []map[holder]usage{idle}
		if lines := samples(text(t, made), "DCGM_FI_DEV_GPU_UTIL{"); !strings.HasSuffix(lines[0], want) {
			t.Errorf("%q: %q, want %q", fault, lines[0], want)
		}
	}
}
