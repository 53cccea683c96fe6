package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// identityMount is where a container finds one file per accelerator it holds, named and filled with its
	// uuid. Mounts of several claims add up, which one environment variable cannot.
	identityMount = "/run/simaccel/devices"
	controlName   = "simaccelctl"
)

// device is one published accelerator.
type device struct {
	index   int
	name    string // in ResourceSlices: accel-N
	uuid    string // stable for a node and index
	phantom bool   // published, but there is nothing behind it
}

// hostNode is a character device on the host and where a container gets it.
type hostNode struct {
	container string
	host      string
	minor     int
}

// inventory is everything this process publishes, and the device nodes it made.
type inventory struct {
	options
	devices []device
	made    []hostNode
}

func newInventory(opts options) *inventory {
	inv := &inventory{options: opts}
	count := opts.devices
	if opts.faults.has(phantom) {
		count += phantomDevices
	}
	for index := range count {
		inv.devices = append(inv.devices, device{
			index:   index,
			name:    fmt.Sprintf("accel-%d", index),
			uuid:    uuidOf(opts.driverName, opts.nodeName, index),
			phantom: index >= opts.devices,
		})
	}
	return inv
}

// uuidOf is the identity of one accelerator: always the same for a driver, node and index.
func uuidOf(driver, node string, index int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%d", driver, node, index))
	return fmt.Sprintf("SIM-%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// byName finds a device by its name in ResourceSlices.
func (inv *inventory) byName(name string) (device, bool) {
	for _, dev := range inv.devices {
		if dev.name == name {
			return dev, true
		}
	}
	return device{}, false
}

// byUUID finds a device by its identity, which is also its device plugin id.
func (inv *inventory) byUUID(uuid string) (device, bool) {
	for _, dev := range inv.devices {
		if dev.uuid == uuid {
			return dev, true
		}
	}
	return device{}, false
}

// existing are the devices that have a node behind them.
func (inv *inventory) existing() []device {
	return inv.devices[:inv.options.devices]
}

func (inv *inventory) hostNodeOf(dev device) hostNode {
	name := fmt.Sprintf("simaccel%d", dev.index)
	return hostNode{
		container: "/dev/" + name,
		host:      filepath.Join(inv.deviceDir, name),
		minor:     inv.minorBase + inv.minorStep*dev.index,
	}
}

func (inv *inventory) controlNode() hostNode {
	return hostNode{
		container: "/dev/" + controlName,
		host:      filepath.Join(inv.deviceDir, controlName),
		minor:     inv.minorBase + inv.minorStep*controlOffset,
	}
}

// makeNodes makes the host's device nodes, keeping those that already are what they should be.
func (inv *inventory) makeNodes() error {
	if err := os.MkdirAll(inv.deviceDir, 0o755); err != nil {
		return fmt.Errorf("cannot make --device-dir %s: %w", inv.deviceDir, err)
	}
	var nodes []hostNode
	for _, dev := range inv.existing() {
		nodes = append(nodes, inv.hostNodeOf(dev))
	}
	if inv.faults.has(sharedControl) {
		nodes = append(nodes, inv.controlNode())
	}
	if err := inv.removeLeftNodes(); err != nil {
		return err
	}
	for _, node := range nodes {
		made, err := makeNode(node.host, inv.major, node.minor)
		if err != nil {
			return err
		}
		if made {
			inv.made = append(inv.made, node)
			if err := inv.recordMade(); err != nil {
				return err
			}
		}
	}
	return nil
}

// recordFile lists the paths of the device nodes this process made, one a line: a killed one cannot remove them.
func (inv *inventory) recordFile() string {
	return filepath.Join(inv.pluginDir(), "device-nodes")
}

func (inv *inventory) recordMade() error {
	var text strings.Builder
	for _, node := range inv.made {
		fmt.Fprintln(&text, node.host)
	}
	if err := os.WriteFile(inv.recordFile(), []byte(text.String()), 0o644); err != nil {
		return fmt.Errorf("cannot record the device nodes: %w", err)
	}
	return nil
}

// removeLeftNodes removes the nodes of a predecessor that was killed. Containers keep their own.
func (inv *inventory) removeLeftNodes() error {
	if err := os.MkdirAll(inv.pluginDir(), 0o750); err != nil {
		return fmt.Errorf("cannot make the plugin folder: %w", err)
	}
	text, err := os.ReadFile(inv.recordFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read which device nodes are left: %w", err)
	}
	for path := range strings.Lines(string(text)) {
		path = strings.TrimSuffix(path, "\n")
		info, err := os.Lstat(path)
		if err != nil || info.Mode()&os.ModeCharDevice == 0 {
			continue
		}
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("cannot remove a device node that was left: %w", err)
		}
	}
	return nil
}

// makeNode makes one character device with mode 0666, and says whether it had to.
func makeNode(path string, major, minor int) (bool, error) {
	want := unix.Mkdev(uint32(major), uint32(minor))
	err := unix.Mknod(path, unix.S_IFCHR|0o666, int(want))
	if errors.Is(err, fs.ErrExist) {
		if isNode(path, want) {
			return false, nil
		}
		return false, fmt.Errorf("%s exists and is not character device %d:%d: remove it, "+
			"or give another --device-dir", path, major, minor)
	}
	if err != nil {
		return false, fmt.Errorf("cannot make character device %s (are you root, with CAP_MKNOD?): %w", path, err)
	}
	// mknod obeys the umask, chmod does not.
	return true, os.Chmod(path, 0o666)
}

func isNode(path string, number uint64) bool {
	var stat unix.Stat_t
	if err := unix.Lstat(path, &stat); err != nil {
		return false
	}
	return stat.Mode&unix.S_IFMT == unix.S_IFCHR && stat.Rdev == number
}

// removeNodes removes the nodes that makeNodes made, unless somebody replaced them since.
func (inv *inventory) removeNodes() error {
	var failed []error
	for _, node := range inv.made {
		if !isNode(node.host, unix.Mkdev(uint32(inv.major), uint32(node.minor))) {
			continue
		}
		if err := os.Remove(node.host); err != nil {
			failed = append(failed, fmt.Errorf("cannot remove device node: %w", err))
		}
	}
	inv.made = nil
	if err := os.Remove(inv.recordFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// identityFile is the host side of one device's identity mount.
func (inv *inventory) identityFile(uuid string) string {
	return filepath.Join(inv.pluginDir(), "identity", uuid)
}

// writeIdentities writes the files that identity mounts show. They stay: running containers have them mounted.
func (inv *inventory) writeIdentities() error {
	dir := filepath.Join(inv.pluginDir(), "identity")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot make the identity folder: %w", err)
	}
	for _, dev := range inv.devices {
		if err := os.WriteFile(inv.identityFile(dev.uuid), []byte(dev.uuid+"\n"), 0o444); err != nil {
			return fmt.Errorf("cannot write an identity file: %w", err)
		}
	}
	return nil
}
