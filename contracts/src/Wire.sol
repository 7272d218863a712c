// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Reading fixed-width big-endian fields out of a command
/// @dev No function checks bounds (beyond the end there are zeros or foreign calldata): whoever
/// reads has checked the length of the whole body before, and fails the command if it is wrong.
library Wire {
    function word(bytes calldata b, uint256 pos) internal pure returns (bytes32 value) {
        assembly ("memory-safe") {
            value := calldataload(add(b.offset, pos))
        }
    }

    function u8(bytes calldata b, uint256 pos) internal pure returns (uint8) {
        return uint8(uint256(word(b, pos)) >> 248);
    }

    function u16(bytes calldata b, uint256 pos) internal pure returns (uint16) {
        return uint16(uint256(word(b, pos)) >> 240);
    }

    function u32(bytes calldata b, uint256 pos) internal pure returns (uint32) {
        return uint32(uint256(word(b, pos)) >> 224);
    }

    function u64(bytes calldata b, uint256 pos) internal pure returns (uint64) {
        return uint64(uint256(word(b, pos)) >> 192);
    }

    function u128(bytes calldata b, uint256 pos) internal pure returns (uint128) {
        return uint128(uint256(word(b, pos)) >> 128);
    }

    function addr(bytes calldata b, uint256 pos) internal pure returns (address) {
        return address(uint160(uint256(word(b, pos)) >> 96));
    }
}
