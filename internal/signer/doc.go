// Package signer is where keys come from, and what signs with them: the
// encrypted keystore of a home, a key in an environment variable, and the
// worker that signs seals beside consensus.
//
// A secret leaves this package only encrypted: keys and passphrases print as
// "[secret]", and no error repeats what was read from a file or a variable.
package signer
