//go:build tools

// Package engine pins the Pulumi command line, so that the sandbox can build it where it is not installed.
package engine

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
