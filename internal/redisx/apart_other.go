//go:build !linux

package redisx

import "syscall"

// apart keeps an interrupt from the terminal away from the server, which is needed until faro has
// drained.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
