// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBridge} from "./IBridge.sol";

/// @title Validator sets and their signatures
library Quorum {
    uint256 internal constant ENTRY = 24;
    uint256 internal constant MAX_VALIDATORS = 256;
    uint256 internal constant MAX_TOTAL_POWER = 1 << 30;

    /// @dev Half of secp256k1's order. A signature with a greater s has a twin with a smaller
    /// one; only one of them is accepted.
    uint256 private constant MAX_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    bytes32 private constant DOMAIN_TYPE = keccak256("EIP712Domain(string name,string version,bytes32 salt)");
    bytes32 private constant SEAL_TYPE = keccak256("Seal(uint64 epoch,uint64 height,bytes32 root)");

    /// @dev The domain names the network and no chain: one signature serves all chains, and the
    /// leaf under the seal's root names chain and contract.
    function domain(bytes32 network) internal pure returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPE, keccak256("bridged"), keccak256("1"), network));
    }

    /// @dev The EIP-712 digest that the validators sign.
    function digest(bytes32 domainHash, IBridge.Seal calldata seal) internal pure returns (bytes32) {
        bytes32 message = keccak256(abi.encode(SEAL_TYPE, seal.epoch, seal.height, seal.root));
        return keccak256(abi.encodePacked(hex"1901", domainHash, message));
    }

    /// @dev Sum of the powers of a packed set, or 0 if the set is not valid. Strictly ascending
    /// addresses make a validator that counts twice impossible, and zero addresses too.
    function measure(bytes memory set) internal pure returns (uint256 total) {
        uint256 n = set.length / ENTRY;
        if (n == 0 || n > MAX_VALIDATORS || n * ENTRY != set.length) return 0;
        uint256 last;
        unchecked {
            for (uint256 i; i < n; ++i) {
                uint256 entry;
                assembly ("memory-safe") {
                    entry := mload(add(add(set, 32), mul(i, ENTRY)))
                }
                uint256 validator = entry >> 96;
                uint256 power = uint32(entry >> 64);
                if (validator <= last || power == 0) return 0;
                last = validator;
                total += power;
            }
        }
        if (total > MAX_TOTAL_POWER) return 0;
    }

    /// @dev Reverts unless `quorum` brings the set that `setHash` names and valid signatures of
    /// more than 2/3 of `total` over `hash`.
    function check(bytes calldata quorum, bytes32 setHash, uint256 total, bytes32 hash) internal view {
        (uint256 bits, uint256 n, uint256 signatures) = _open(quorum, setHash);
        uint256 signed = _count(quorum, bits, n, signatures, hash, total * 2 / 3 + 1);
        if (signed * 3 <= total * 2) revert IBridge.TooLittlePower(signed, total);
    }

    /// @dev Checks form and set, and returns the bitmap as a left-aligned word, the size of the
    /// set, and the offset of the first signature within `quorum`.
    function _open(bytes calldata quorum, bytes32 setHash)
        private
        pure
        returns (uint256 bits, uint256 n, uint256 signatures)
    {
        if (quorum.length < 2) revert IBridge.BadQuorum();
        unchecked {
            n = uint16(bytes2(quorum[:2]));
            uint256 map = 2 + ENTRY * n;
            if (n > MAX_VALIDATORS || quorum.length < map) revert IBridge.BadQuorum();
            // Only valid sets are ever stored, so the hash vouches for everything about it.
            if (keccak256(quorum[2:map]) != setHash) revert IBridge.BadSet();
            uint256 bytesOfMap = (n + 7) / 8;
            signatures = map + bytesOfMap;
            assembly ("memory-safe") {
                bits := calldataload(add(quorum.offset, map))
                // What follows the map in the same word belongs to the signatures.
                let rest := sub(256, mul(8, bytesOfMap))
                bits := shl(rest, shr(rest, bits))
                // Positions at and above n would be signers that do not exist.
                if and(n, 7) {
                    let tail := shr(and(n, 7), byte(sub(bytesOfMap, 1), bits))
                    if tail { n := 0 }
                }
            }
            if (n == 0 || quorum.length != signatures + 64 * _ones(bits)) revert IBridge.BadQuorum();
        }
    }

    /// @dev Adds up the power of valid signatures in the order of the set and stops as soon as
    /// `enough` is there. A signature that is read must be valid: a caller that sends a wrong one
    /// wastes its own gas only.
    function _count(
        bytes calldata quorum,
        uint256 bits,
        uint256 n,
        uint256 signatures,
        bytes32 hash,
        uint256 enough
    ) private view returns (uint256 signed) {
        uint256 bad;
        assembly ("memory-safe") {
            let entries := add(quorum.offset, 2)
            let sig := add(quorum.offset, signatures)
            // Input of ecrecover; its output goes to the scratch space.
            let p := mload(0x40)
            mstore(p, hash)
            for { let i := 0 } lt(i, n) { i := add(i, 1) } {
                if iszero(and(shr(and(i, 7), byte(shr(3, i), bits)), 1)) { continue }
                let entry := calldataload(add(entries, mul(i, ENTRY)))
                let vs := calldataload(add(sig, 32))
                let s := shr(1, shl(1, vs))
                mstore(add(p, 0x20), add(27, shr(255, vs)))
                calldatacopy(add(p, 0x40), sig, 32)
                mstore(add(p, 0x60), s)
                // Zero r, zero s and the like make ecrecover return nothing; then the output
                // stays zero, which is no validator's address.
                mstore(0, 0)
                pop(staticcall(gas(), 1, p, 0x80, 0, 0x20))
                if or(gt(s, MAX_S), sub(mload(0), shr(96, entry))) {
                    bad := add(i, 1)
                    break
                }
                signed := add(signed, and(shr(64, entry), 0xffffffff))
                if iszero(lt(signed, enough)) { break }
                sig := add(sig, 64)
            }
        }
        if (bad != 0) revert IBridge.BadSignature(bad - 1);
    }

    /// @dev Number of set bits.
    function _ones(uint256 x) private pure returns (uint256) {
        unchecked {
            x -= (x >> 1) & (type(uint256).max / 3);
            x = (x & (type(uint256).max / 5)) + ((x >> 2) & (type(uint256).max / 5));
            x = (x + (x >> 4)) & (type(uint256).max / 17);
            // 32 bytes of at most 8 would overflow the top byte at 256 ones.
            x = (x + (x >> 8)) & (type(uint256).max / 257);
            return (x * (type(uint256).max / 65535)) >> 240;
        }
    }
}
