package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"k8s.io/klog/v2"
)

const (
	// scrapeTime bounds one scrape: a stuck kubelet or runtime must not pile scrapes up.
	scrapeTime = 5 * time.Second
	// shortestWindow is the shortest time over which a utilization is computed.
	shortestWindow = 250 * time.Millisecond
)

// holder is the container that has a device; the empty one holds nothing.
type holder struct {
	namespace, pod, container string
}

// usage is one reading of a container's counters.
type usage struct {
	at     time.Time
	work   work
	memory uint64 // bytes, without page cache
}

// work is, by thread, the time for which it ran or waited for a processor since it was started.
type work map[string]time.Duration

// usageReader gets the facts of a scrape.
type usageReader interface {
	// holders maps device uuids to the containers that hold them.
	holders(ctx context.Context) (map[string][]holder, error)
	// usages maps those of the holders that run to their counters.
	usages(ctx context.Context, holders map[string][]holder) (map[holder]usage, error)
}

// exporter shows the true load of the containers that hold devices: the time in which they have work for a processor
// stands for the accelerator's utilization, their memory for the accelerator's. Somebody who holds two devices loads
// both. Time spent waiting for a processor counts, too: else a busy machine would make a busy accelerator look idle.
type exporter struct {
	inv    *inventory
	reader usageReader

	write  format
	faults *metricFaults

	mutex sync.Mutex
	last  map[holder]usage
}

// load is what one device is reported to do.
type load struct {
	dev     device
	who     holder  // the empty one: nobody holds it
	percent float64 // 0 to 100
	memory  float64 // bytes
}

func newExporter(inv *inventory, reader usageReader) *exporter {
	return &exporter{
		inv: inv, reader: reader, write: formats[inv.metricsFormat], faults: newMetricFaults(inv),
		last: map[holder]usage{},
	}
}

// startExporter serves /metrics in the background; the function it returns ends that.
func startExporter(ctx context.Context, inv *inventory) (func(), error) {
	reader, err := newNodeReader(inv)
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(newExporter(inv, reader))
	mux := http.NewServeMux()
	mux.Handle("/metrics", distorted(inv, promhttp.HandlerFor(registry, promhttp.HandlerOpts{})))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", inv.metricsAddr)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot listen on --metrics-addr %s: %w", inv.metricsAddr, err), reader.close())
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: scrapeTime}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			klog.ErrorS(err, "Metrics endpoint failed")
		}
	}()
	return func() { _ = errors.Join(server.Close(), reader.close()) }, nil
}

// Describe sends nothing: which metrics there are is the format's business.
func (e *exporter) Describe(chan<- *prometheus.Desc) {}

// Collect reads the counters. If that fails the scrape fails, so that nobody mistakes old values for new ones.
func (e *exporter) Collect(out chan<- prometheus.Metric) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	loads, err := e.loads(ctx)
	if err != nil {
		klog.ErrorS(err, "Scrape failed")
		out <- prometheus.NewInvalidMetric(prometheus.NewDesc("simaccel_scrape", "It failed.", nil, nil), err)
		return
	}
	for _, one := range e.faults.distort(loads) {
		e.write(e.inv, one, func(name, help string, value float64, labels prometheus.Labels) {
			desc := prometheus.NewDesc(name, help, nil, labels)
			out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
		})
	}
}

// loads are one reading of every device.
func (e *exporter) loads(ctx context.Context) ([]load, error) {
	holders, before, after, err := e.readings(ctx)
	if err != nil {
		return nil, err
	}
	var found []load
	for _, dev := range e.inv.existing() {
		one := load{dev: dev}
		for _, candidate := range holders[dev.uuid] {
			now, running := after[candidate]
			if !running {
				continue
			}
			// One series a device: of several holders the first is named, and their loads are added.
			one.who = cmp.Or(one.who, candidate)
			one.percent += utilizationPercent(before[candidate], now)
			one.memory += float64(now.memory)
		}
		one.percent = min(one.percent, 100)
		found = append(found, one)
	}
	return found, nil
}

// readings are who holds what, the counters of the last scrape, and those of now. A rate needs two readings:
// for a holder that was never read, or only just now, a second one is taken after shortestWindow.
func (e *exporter) readings(ctx context.Context) (map[string][]holder, map[holder]usage, map[holder]usage, error) {
	holders, err := e.reader.holders(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	before := e.last
	after, err := e.reader.usages(ctx, holders)
	if err != nil {
		return nil, nil, nil, err
	}
	if tooEarly(holders, before, after) {
		before = after
		select {
		case <-ctx.Done():
			return nil, nil, nil, ctx.Err()
		case <-time.After(shortestWindow):
		}
		if after, err = e.reader.usages(ctx, holders); err != nil {
			return nil, nil, nil, err
		}
	}
	e.last = after
	return holders, before, after, nil
}

func tooEarly(holders map[string][]holder, before, after map[holder]usage) bool {
	for _, candidates := range holders {
		for _, candidate := range candidates {
			now, running := after[candidate]
			last, known := before[candidate]
			if running && (!known || now.at.Sub(last.at) < shortestWindow) {
				return true
			}
		}
	}
	return false
}

// utilizationPercent is the share of the time between two readings in which there was work. Without a window there is
// none.
func utilizationPercent(before, now usage) float64 {
	window := now.at.Sub(before.at)
	if before.at.IsZero() || window <= 0 {
		return 0
	}
	var done time.Duration
	for thread, since := range now.work {
		// A number that was given again belongs to a new thread, whose time begins anew.
		if last := before.work[thread]; last <= since {
			since -= last
		}
		done += since
	}
	return min(100*float64(done)/float64(window), 100)
}
