package main

import (
	"fmt"
	"io"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	utilversion "k8s.io/apimachinery/pkg/util/version"
)

const (
	version = "0.1.0"

	modeDRA          = "dra"
	modeDevicePlugin = "device-plugin"

	// controlOffset is added to the minor base for the node that variant shared-control hands to every holder.
	controlOffset = 9
)

// options is the command line, checked: whatever parseOptions returns can be used without asking again.
type options struct {
	mode          string
	nodeName      string
	kubeconfig    string // path; "" means the in-cluster service account
	driverName    string // DNS subdomain; names the DRA driver, the CDI vendor and the plugin folder
	resourceName  string // qualified name of the classic extended resource
	devices       int    // real devices; phantoms come on top
	major         int
	minorBase     int
	minorStep     int // 1, or 0 where one character device has to stand for all
	modelName     string
	driverVersion string // semantic version
	memory        resource.Quantity
	kubeletRoot   string
	cdiDir        string
	deviceDir     string
	metricsAddr   string // "" means no exporter
	metricsFormat string // one of formats
	metricsPrefix string // put before every metric's name
	criSocket     string // only the exporter uses it
	faults        faultSet
	verbosity     int
	version       bool
}

// parseOptions reads args. Errors are one sentence; pflag.ErrHelp means that the help was printed to out.
func parseOptions(args []string, out io.Writer) (options, error) {
	var opts options
	var faultNames []string
	var memory string
	flags := pflag.NewFlagSet("simaccel", pflag.ContinueOnError)
	flags.SetOutput(out)
	flags.SortFlags = false
	flags.Usage = func() {
		fmt.Fprintf(out, "Usage: simaccel --mode dra|device-plugin --node-name NAME [flags]\n\n%s\n%s",
			flags.FlagUsages(), faultHelp())
	}
	flags.StringVar(&opts.mode, "mode", "", "how devices are offered: dra or device-plugin")
	flags.StringVar(&opts.nodeName, "node-name", "", "name of the Node object")
	flags.StringVar(&opts.kubeconfig, "kubeconfig", "", "kubeconfig file (dra mode; empty: in-cluster)")
	flags.StringVar(&opts.driverName, "driver-name", "accel.sim.aiconform.dev", "DRA driver name and CDI vendor")
	flags.StringVar(&opts.resourceName, "resource-name", "sim.aiconform.dev/accelerator", "classic resource name")
	flags.IntVar(&opts.devices, "devices", 4, "number of accelerators")
	flags.IntVar(&opts.major, "major", 4, "major number of the character devices (4: virtual consoles)")
	flags.IntVar(&opts.minorBase, "minor-base", 20, "minor number of accelerator 0")
	flags.IntVar(&opts.minorStep, "minor-step", 1, "distance of minors; 0: one number for all (weaker isolation)")
	flags.StringVar(&opts.modelName, "model-name", "sim-a100", "model that is published")
	flags.StringVar(&opts.driverVersion, "driver-version", "1.2.3", "driver version that is published")
	flags.StringVar(&memory, "memory", "16Gi", "memory of one accelerator")
	flags.StringVar(&opts.kubeletRoot, "kubelet-root", "/var/lib/kubelet", "the kubelet's folder")
	flags.StringVar(&opts.cdiDir, "cdi-dir", "/var/run/cdi", "folder of CDI specs that the runtime reads")
	flags.StringVar(&opts.deviceDir, "device-dir", "/dev", "folder for the host's device nodes; not shared by two nodes")
	flags.StringVar(&opts.metricsAddr, "metrics-addr", "", "address of the metrics endpoint, such as :9400 (empty: none)")
	flags.StringVar(&opts.metricsFormat, "metrics-format", formatDCGM,
		"whose metric names are used: "+strings.Join(formatNames(), ", "))
	flags.StringVar(&opts.metricsPrefix, "metrics-prefix", "", "put before the name of every metric")
	flags.StringVar(&opts.criSocket, "cri-socket", "/run/containerd/containerd.sock", "runtime socket, for metrics")
	flags.StringArrayVar(&faultNames, "fault", nil, "misbehave in this way; repeatable")
	flags.IntVar(&opts.verbosity, "verbosity", 0, "log level of the Kubernetes helpers")
	flags.BoolVar(&opts.version, "version", false, "print the version and exit")
	if err := flags.Parse(args); err != nil {
		return opts, err
	}
	if opts.version {
		return opts, nil
	}
	if flags.NArg() > 0 {
		return opts, fmt.Errorf("unexpected argument %q: every setting is a flag", flags.Arg(0))
	}
	var err error
	if opts.faults, err = parseFaults(faultNames, opts.mode); err != nil {
		return opts, err
	}
	if opts.memory, err = resource.ParseQuantity(memory); err != nil || opts.memory.Sign() <= 0 {
		return opts, fmt.Errorf("--memory %q is no positive quantity such as 16Gi", memory)
	}
	return opts, opts.check()
}

// check refuses what would otherwise fail later and less clearly.
func (o options) check() error {
	if o.mode != modeDRA && o.mode != modeDevicePlugin {
		return fmt.Errorf("--mode %q is unknown: use %s or %s", o.mode, modeDRA, modeDevicePlugin)
	}
	if o.nodeName == "" {
		return fmt.Errorf("--node-name is missing: give the name of the Node object")
	}
	if len(validation.IsDNS1123Subdomain(o.driverName)) > 0 {
		return fmt.Errorf("--driver-name %q is no DNS subdomain", o.driverName)
	}
	if !strings.Contains(o.resourceName, "/") || len(validation.IsQualifiedName(o.resourceName)) > 0 {
		return fmt.Errorf("--resource-name %q is no extended resource such as example.com/accelerator", o.resourceName)
	}
	if _, err := utilversion.ParseSemantic(o.driverVersion); err != nil {
		return fmt.Errorf("--driver-version %q is no semantic version such as 1.2.3", o.driverVersion)
	}
	if o.devices < 0 || o.devices > 128-phantomDevices {
		return fmt.Errorf("--devices %d is outside 0 to %d", o.devices, 128-phantomDevices)
	}
	if o.faults.has(sharedControl) && o.minorStep > 0 && o.devices > controlOffset {
		return fmt.Errorf("--devices %d leaves no minor for the control node of %s: use at most %d",
			o.devices, sharedControl, controlOffset)
	}
	if formats[o.metricsFormat] == nil {
		return fmt.Errorf("--metrics-format %q is unknown: use one of %s",
			o.metricsFormat, strings.Join(formatNames(), ", "))
	}
	if o.minorStep != 0 && o.minorStep != 1 {
		return fmt.Errorf("--minor-step %d is neither 0 nor 1", o.minorStep)
	}
	if o.major <= 0 || o.minorBase < 0 {
		return fmt.Errorf("--major %d and --minor-base %d must not be negative, nor major 0", o.major, o.minorBase)
	}
	return nil
}

// pluginDir is the driver's own folder below the kubelet's.
func (o options) pluginDir() string {
	return filepath.Join(o.kubeletRoot, "plugins", o.driverName)
}

// versionText names this program and the Kubernetes libraries it was built with.
func versionText() string {
	text := "simaccel " + version
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == "k8s.io/dynamic-resource-allocation" {
				if dep.Replace != nil {
					dep = dep.Replace
				}
				text += " (Kubernetes libraries " + dep.Version + ")"
			}
		}
	}
	return text
}
