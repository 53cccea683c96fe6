package main

import (
	"bytes"
	"maps"
	"net/http"
	"strings"
)

// staticPercent and staticMemory are what the static faults show.
const (
	staticPercent = 42
	staticMemory  = 1 << 30
)

// metricFaults make true loads untrue.
type metricFaults struct {
	inv   *inventory
	first []load
	peak  map[string]load // by uuid
}

func newMetricFaults(inv *inventory) *metricFaults {
	return &metricFaults{inv: inv, peak: map[string]load{}}
}

// distort returns what is to be shown instead of the true loads. It may change its argument.
func (f *metricFaults) distort(loads []load) []load {
	has := f.inv.faults.has
	if has(metricsFrozen) {
		if f.first == nil {
			f.first = loads
		}
		loads = f.first
	}
	if has(metricsSwapped) {
		loads = swapped(loads)
	}
	if has(metricsNodeSum) || has(metricsSumEverywhere) {
		loads = summed(loads, has(metricsNodeSum))
	}
	for i := range loads {
		f.one(&loads[i])
	}
	if has(metricsOneMissing) && len(loads) > 0 {
		loads = loads[:len(loads)-1]
	}
	return loads
}

func (f *metricFaults) one(it *load) {
	has := f.inv.faults.has
	if has(metricsStaticUtilization) {
		it.percent = staticPercent
	}
	if has(metricsStaticMemory) {
		it.memory = staticMemory
	}
	if has(metricsByAllocation) && it.who != (holder{}) {
		it.percent, it.memory = 100, float64(f.inv.memory.Value())
	}
	if has(metricsKeepPeak) {
		peak := f.peak[it.dev.uuid]
		peak.percent, peak.memory = max(peak.percent, it.percent), max(peak.memory, it.memory)
		f.peak[it.dev.uuid] = peak
		it.percent, it.memory = peak.percent, peak.memory
	}
}

// swapped gives each device the values (not the holder) of its neighbour.
func swapped(loads []load) []load {
	out := append([]load{}, loads...)
	for i := range out {
		if other := i ^ 1; other < len(loads) {
			out[i].percent, out[i].memory = loads[other].percent, loads[other].memory
		}
	}
	return out
}

// summed shows the sum of all devices: once, without an identity, or for each of them.
func summed(loads []load, once bool) []load {
	var sum load
	for _, one := range loads {
		sum.percent = min(sum.percent+one.percent, 100)
		sum.memory += one.memory
	}
	if once {
		return []load{sum}
	}
	out := append([]load{}, loads...)
	for i := range out {
		out[i].percent, out[i].memory = sum.percent, sum.memory
	}
	return out
}

// textFaults are those that change the text itself.
var textFaults = map[string]func(line string) (string, bool){
	metricsNoSamples: func(line string) (string, bool) { return line, strings.HasPrefix(line, "#") },
	metricsNoMemory: func(line string) (string, bool) {
		return line, !strings.Contains(strings.ToLower(line), "mem") && !strings.Contains(line, "FB_USED") &&
			!strings.Contains(line, "vram")
	},
	// A value with its unit: what a printf that nobody tested gives.
	metricsMalformed: func(line string) (string, bool) {
		if strings.HasPrefix(line, "#") {
			return line, true
		}
		return line + "%", true
	},
	metricsNodeSum: func(line string) (string, bool) {
		if start, end := strings.Index(line, "{"), strings.LastIndex(line, "}"); start > 0 && end > start {
			return line[:start] + line[end+1:], true
		}
		return line, true
	},
}

// distorted serves what next serves, with the prefix and the faults of the text.
func distorted(inv *inventory, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Plain text, so that there are lines to change.
		plain := r.Clone(r.Context())
		plain.Header.Del("Accept-Encoding")
		kept := &keptAnswer{header: http.Header{}, status: http.StatusOK}
		next.ServeHTTP(kept, plain)
		maps.Copy(w.Header(), kept.header)
		w.Header().Del("Content-Length")
		w.WriteHeader(kept.status)
		if kept.status != http.StatusOK {
			_, _ = w.Write(kept.body.Bytes())
			return
		}
		_, _ = w.Write([]byte(inv.rewrite(kept.body.String())))
	})
}

// rewrite puts the text's faults and the prefix into an exposition.
func (inv *inventory) rewrite(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		line, kept := strings.TrimSuffix(line, "\n"), true
		for name, change := range textFaults {
			if kept && inv.faults.has(name) {
				line, kept = change(line)
			}
		}
		if kept {
			out.WriteString(inv.prefixed(line) + "\n")
		}
	}
	return out.String()
}

func (inv *inventory) prefixed(line string) string {
	for _, comment := range []string{"# HELP ", "# TYPE "} {
		if rest, found := strings.CutPrefix(line, comment); found {
			return comment + inv.metricsPrefix + rest
		}
	}
	return inv.metricsPrefix + line
}

// keptAnswer keeps an answer instead of sending it.
type keptAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *keptAnswer) Header() http.Header            { return k.header }
func (k *keptAnswer) WriteHeader(status int)         { k.status = status }
func (k *keptAnswer) Write(data []byte) (int, error) { return k.body.Write(data) }
