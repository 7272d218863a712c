// Package crash kills validators at random moments and checks that they come
// back. It has no code of its own.
package crash
