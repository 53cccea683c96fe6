package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	cdi "tags.cncf.io/container-device-interface/specs-go"
)

// cdiVersion is the oldest CDI version that has annotations and host paths.
const cdiVersion = "0.6.0"

// cdiStore keeps one CDI spec file per prepared claim. The files are the driver's only memory: a restarted
// driver reads back from them which devices are in use.
type cdiStore struct {
	dir   string
	kind  string // VENDOR/CLASS
	major int
}

func newCDIStore(inv *inventory) cdiStore {
	return cdiStore{dir: inv.cdiDir, kind: inv.driverName + "/accel", major: inv.major}
}

func (s cdiStore) prefix() string { return strings.ReplaceAll(s.kind, "/", "-") + "_" }

func (s cdiStore) path(claim types.UID) string {
	return filepath.Join(s.dir, s.prefix()+string(claim)+".json")
}

func (s cdiStore) annotation() string {
	vendor, _, _ := strings.Cut(s.kind, "/")
	return vendor + "/devices"
}

// deviceName is unique for ever, because runtimes cache specs: it contains the claim's UID.
// A request may be "request/subrequest"; CDI names have no slash.
func (s cdiStore) deviceName(claim types.UID, request string) string {
	return string(claim) + "-" + strings.ReplaceAll(request, "/", "_")
}

// id is the name by which a kubelet asks the runtime for the devices of one request.
func (s cdiStore) id(claim types.UID, request string) string {
	return s.kind + "=" + s.deviceName(claim, request)
}

// write stores the claim's spec: one CDI device per request, so that a container gets only its own requests.
// devices are the names of all devices that the claim holds.
func (s cdiStore) write(claim types.UID, grants map[string]grant, devices []string, identity func(string) string,
) error {
	spec := cdi.Spec{
		Version:     cdiVersion,
		Kind:        s.kind,
		Annotations: map[string]string{s.annotation(): strings.Join(devices, ",")},
	}
	for request, granted := range grants {
		spec.Devices = append(spec.Devices, cdi.Device{
			Name:           s.deviceName(claim, request),
			ContainerEdits: s.edits(granted, identity),
		})
	}
	slices.SortFunc(spec.Devices, func(a, b cdi.Device) int { return strings.Compare(a.Name, b.Name) })
	data, err := json.MarshalIndent(spec, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot write the CDI spec of claim %s: %w", claim, err)
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return fmt.Errorf("cannot make --cdi-dir %s: %w", s.dir, err)
	}
	// Renamed into place, so that no runtime ever reads half a spec. Runtimes read only .json and .yaml.
	temporary := s.path(claim) + ".part"
	if err := os.WriteFile(temporary, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("cannot write the CDI spec of claim %s: %w", claim, err)
	}
	return os.Rename(temporary, s.path(claim))
}

func (s cdiStore) edits(granted grant, identity func(string) string) cdi.ContainerEdits {
	mode := os.FileMode(0o666)
	var edits cdi.ContainerEdits
	for name, value := range granted.env {
		edits.Env = append(edits.Env, name+"="+value)
	}
	slices.Sort(edits.Env)
	for _, node := range granted.nodes {
		edits.DeviceNodes = append(edits.DeviceNodes, &cdi.DeviceNode{
			Path: node.container, HostPath: node.host, Type: "c",
			Major: int64(s.major), Minor: int64(node.minor), FileMode: &mode, Permissions: "rw",
		})
	}
	for _, uuid := range granted.uuids {
		edits.Mounts = append(edits.Mounts, &cdi.Mount{
			HostPath:      identity(uuid),
			ContainerPath: identityMount + "/" + uuid,
			Options:       []string{"ro", "bind", "nosuid", "nodev", "noexec"},
		})
	}
	return edits
}

// remove deletes the claim's spec; a claim without one is no error.
func (s cdiStore) remove(claim types.UID) error {
	if err := os.Remove(s.path(claim)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove the CDI spec of claim %s: %w", claim, err)
	}
	return nil
}

// load returns the device names of every claim that has a spec.
func (s cdiStore) load() (map[types.UID][]string, error) {
	prepared := map[types.UID][]string{}
	paths, err := filepath.Glob(filepath.Join(s.dir, s.prefix()+"*.json"))
	if err != nil {
		return nil, fmt.Errorf("cannot list CDI specs in %s: %w", s.dir, err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("cannot read a CDI spec: %w", err)
		}
		var spec cdi.Spec
		if err := json.Unmarshal(data, &spec); err != nil {
			return nil, fmt.Errorf("%s is no CDI spec (remove it if no container uses it): %w", path, err)
		}
		claim := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), s.prefix()), ".json")
		prepared[types.UID(claim)] = strings.Split(spec.Annotations[s.annotation()], ",")
	}
	return prepared, nil
}
