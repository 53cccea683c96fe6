package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"google.golang.org/grpc"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/dynamic-resource-allocation/kubeletplugin"
	"k8s.io/klog/v2"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

// draDriver hands out devices by Dynamic Resource Allocation. The helper around it speaks to the kubelet.
type draDriver struct {
	inv *inventory
	cdi cdiStore

	mutex    sync.Mutex
	prepared map[types.UID][]string // claim -> device names; those with admin access are not in it
	released map[string]bool        // device names that were given back since this process started

	once       sync.Once
	registered chan struct{} // closed once a kubelet has taken the registration
}

var _ kubeletplugin.DRAPlugin = &draDriver{}

// runDRA publishes the devices and serves the kubelet until ctx ends, then withdraws them. Specs of prepared
// claims stay, since their containers may restart without a new Prepare.
func runDRA(ctx context.Context, inv *inventory) error {
	config, err := clientcmd.BuildConfigFromFlags("", inv.kubeconfig)
	if err != nil {
		return fmt.Errorf("cannot use --kubeconfig %q: %w", inv.kubeconfig, err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("cannot use --kubeconfig %q: %w", inv.kubeconfig, err)
	}
	driver, err := newDRADriver(inv)
	if err != nil {
		return err
	}
	registry := filepath.Join(inv.kubeletRoot, "plugins_registry")
	for _, dir := range []string{registry, inv.pluginDir()} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return fmt.Errorf("cannot make a plugin folder: %w", err)
		}
	}
	settings := []kubeletplugin.Option{
		kubeletplugin.DriverName(inv.driverName),
		kubeletplugin.NodeName(inv.nodeName),
		kubeletplugin.KubeClient(client),
		kubeletplugin.RegistrarDirectoryPath(registry),
		kubeletplugin.PluginDataDirectoryPath(inv.pluginDir()),
		kubeletplugin.HealthService(false),
		kubeletplugin.GRPCInterceptor(driver.seeRegistration),
	}
	if inv.faults.has(allNodes) {
		// Only so does the helper leave out nodeName.
		settings = append(settings, kubeletplugin.ReconcilePoolWithName(inv.nodeName))
	}
	// What a killed predecessor published may have another shape and would be mixed with ours.
	if err := deleteSlices(ctx, client, inv); err != nil {
		return err
	}
	// The helper lives until after the slices are gone, so ctx must not end it.
	helper, err := kubeletplugin.Start(context.WithoutCancel(ctx), driver, settings...)
	if err != nil {
		return fmt.Errorf("cannot start the DRA plugin: %w", err)
	}
	err = driver.serve(ctx, func() error { return publish(ctx, helper, client, inv) })
	helper.Stop()
	return errors.Join(err, withdraw(client, inv))
}

// serve publishes once the kubelet knows the driver, and waits for the end of ctx. Published before that, a
// device is allocated at once and its pod then fails to start for a minute or more, until the kubelet retries.
func (d *draDriver) serve(ctx context.Context, publish func() error) error {
	select {
	case <-ctx.Done():
		return nil
	case <-d.registered:
	}
	if err := publish(); err != nil {
		return err
	}
	klog.InfoS("Serving", "mode", modeDRA, "driver", d.inv.driverName, "devices", len(d.inv.devices))
	<-ctx.Done()
	return nil
}

// seeRegistration is a gRPC interceptor that notices when the kubelet says that it took the registration.
func (d *draDriver) seeRegistration(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler,
) (any, error) {
	answer, err := next(ctx, request)
	if status, ok := request.(*registration.RegistrationStatus); ok && err == nil && status.PluginRegistered {
		d.once.Do(func() { close(d.registered) })
	}
	return answer, err
}

func newDRADriver(inv *inventory) (*draDriver, error) {
	store := newCDIStore(inv)
	prepared, err := store.load()
	if err != nil {
		return nil, err
	}
	return &draDriver{
		inv: inv, cdi: store, prepared: prepared, released: map[string]bool{}, registered: make(chan struct{}),
	}, nil
}

// PrepareResourceClaims writes a CDI spec for each claim.
func (d *draDriver) PrepareResourceClaims(_ context.Context, claims []*resourceapi.ResourceClaim,
) (map[types.UID]kubeletplugin.PrepareResult, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	results := map[types.UID]kubeletplugin.PrepareResult{}
	for _, claim := range claims {
		devices, err := d.prepare(claim)
		results[claim.UID] = kubeletplugin.PrepareResult{Devices: devices, Err: err}
		klog.InfoS("Prepared", "claim", klog.KObj(claim), "uid", claim.UID, "devices", len(devices), "err", err)
	}
	return results, nil
}

func (d *draDriver) prepare(claim *resourceapi.ResourceClaim) ([]kubeletplugin.Device, error) {
	if claim.Status.Allocation == nil {
		return nil, fmt.Errorf("claim %s/%s is not allocated", claim.Namespace, claim.Name)
	}
	allocated := map[string][]device{} // by request
	var exclusive []string
	var answer []kubeletplugin.Device
	for _, result := range claim.Status.Allocation.Devices.Results {
		if result.Driver != d.inv.driverName {
			continue
		}
		dev, err := d.allocatedDevice(claim.UID, result)
		if err != nil {
			return nil, err
		}
		prepared := kubeletplugin.Device{
			Requests: []string{result.Request}, PoolName: result.Pool, DeviceName: result.Device,
		}
		// One CDI device carries the whole request, since two would overwrite each other's list of
		// identities: the first device of a request brings it, the others bring nothing.
		if len(allocated[result.Request]) == 0 {
			prepared.CDIDeviceIDs = []string{d.cdi.id(claim.UID, result.Request)}
		}
		allocated[result.Request] = append(allocated[result.Request], dev)
		if !isAdmin(result) {
			exclusive = append(exclusive, dev.name)
		}
		answer = append(answer, prepared)
	}
	grants := map[string]grant{}
	for request, devices := range allocated {
		grants[request] = d.inv.grantOf(devices, func(dev device) bool { return d.released[dev.name] })
	}
	if err := d.cdi.write(claim.UID, grants, exclusive, d.inv.identityFile); err != nil {
		return nil, err
	}
	d.prepared[claim.UID] = exclusive
	return answer, nil
}

func isAdmin(result resourceapi.DeviceRequestAllocationResult) bool {
	return result.AdminAccess != nil && *result.AdminAccess
}

// allocatedDevice finds the device of a result and refuses one that another claim holds: the driver is the
// last line of defence against a double allocation.
func (d *draDriver) allocatedDevice(claim types.UID, result resourceapi.DeviceRequestAllocationResult) (device, error) {
	dev, found := d.inv.byName(result.Device)
	if !found || result.Pool != d.inv.nodeName {
		return device{}, fmt.Errorf("there is no device %s in pool %s here", result.Device, result.Pool)
	}
	if isAdmin(result) {
		return dev, nil
	}
	for other, names := range d.prepared {
		for _, name := range names {
			if other != claim && name == dev.name {
				return device{}, fmt.Errorf("device %s is still prepared for claim %s", dev.name, other)
			}
		}
	}
	return dev, nil
}

// UnprepareResourceClaims removes the specs of the claims.
func (d *draDriver) UnprepareResourceClaims(_ context.Context, claims []kubeletplugin.NamespacedObject,
) (map[types.UID]error, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	results := map[types.UID]error{}
	for _, claim := range claims {
		results[claim.UID] = d.unprepare(claim.UID)
		klog.InfoS("Unprepared", "claim", klog.KRef(claim.Namespace, claim.Name), "uid", claim.UID,
			"err", results[claim.UID])
	}
	return results, nil
}

func (d *draDriver) unprepare(claim types.UID) error {
	if d.inv.faults.has(neverRelease) {
		return fmt.Errorf("fault %s: claim %s stays prepared", neverRelease, claim)
	}
	if err := d.cdi.remove(claim); err != nil {
		return err
	}
	for _, name := range d.prepared[claim] {
		d.released[name] = true
	}
	delete(d.prepared, claim)
	return nil
}

// HandleError is told of trouble in the background, such as a refused ResourceSlice. The helper tries again.
func (d *draDriver) HandleError(ctx context.Context, err error, msg string) {
	utilruntime.HandleErrorWithContext(ctx, err, msg)
}

// WatchHealthStatus is not offered.
func (d *draDriver) WatchHealthStatus(context.Context, chan<- kubeletplugin.DeviceHealthReport) error {
	return kubeletplugin.ErrHealthNotSupported
}
