// Package arch holds tests of the shape of the code: which package may import
// which, and what the replicated half must not contain. It has no code of its
// own.
package arch
