// Command coredns is CoreDNS with only the plugins that the lab's cluster DNS uses:
// the default set doubles the build time and pulls in cloud SDKs.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loop"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/ready"
)

// The order is CoreDNS's own (plugin.cfg): it is the order in which a query meets the plugins.
var directives = []string{"health", "ready", "prometheus", "errors", "cache", "loop", "kubernetes"}

func main() {
	dnsserver.Directives = directives
	coremain.Run()
}
