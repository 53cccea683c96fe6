// Simaccel simulates accelerators on one Kubernetes node: real character devices, handed out by a real
// DRA driver or by a classic device plugin, so that isolation, allocation and release can be seen to work
// or, with a fault, seen to fail. It runs as a process in the node's namespaces and needs no hardware.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/spf13/pflag"
	"k8s.io/klog/v2"
)

const (
	exitFailed = 1
	// exitUsage is EX_USAGE of sysexits(3): the command line was wrong.
	exitUsage = 64
)

func main() {
	os.Exit(Main(os.Args[1:]))
}

// Main parses args and runs until SIGINT or SIGTERM; the result is the exit status.
func Main(args []string) int {
	opts, err := parseOptions(args, os.Stdout)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(os.Stderr, "simaccel:", err)
		return exitUsage
	case opts.version:
		fmt.Println(versionText())
		return 0
	}
	setVerbosity(opts.verbosity)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, opts); err != nil {
		fmt.Fprintln(os.Stderr, "simaccel:", err)
		return exitFailed
	}
	return 0
}

// run makes the device nodes, serves the chosen mode until ctx ends, and removes what it made.
func run(ctx context.Context, opts options) (err error) {
	inv := newInventory(opts)
	if err := inv.makeNodes(); err != nil {
		return errors.Join(err, inv.removeNodes())
	}
	defer func() { err = errors.Join(err, inv.removeNodes()) }()
	if err := inv.writeIdentities(); err != nil {
		return err
	}
	if opts.metricsAddr != "" {
		stop, err := startExporter(ctx, inv)
		if err != nil {
			return err
		}
		defer stop()
	}
	if opts.mode == modeDRA {
		return runDRA(ctx, inv)
	}
	return runDevicePlugin(ctx, inv)
}

// setVerbosity passes our one verbosity flag on to klog, which the Kubernetes helpers log with.
func setVerbosity(level int) {
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	_ = flags.Set("v", strconv.Itoa(level)) // an int always parses
}
