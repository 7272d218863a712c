// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title An asset of another chain, as an ERC-20 of this one
/// @notice The bridge that deployed it mints and burns; nobody can do anything else to it.
contract WrappedToken is ERC20 {
    error OnlyBridge();

    /// @notice The bridge that mints and burns.
    address public immutable bridge;

    // Immutables instead of strings in storage: state is what makes deployment expensive.
    bytes32 private immutable _name;
    bytes32 private immutable _symbol;
    uint8 private immutable _decimals;

    modifier onlyBridge() {
        if (msg.sender != bridge) revert OnlyBridge();
        _;
    }

    /// @param name_ left aligned and zero padded
    /// @param symbol_ left aligned and zero padded
    /// @param decimals_ digits behind the point
    constructor(bytes32 name_, bytes32 symbol_, uint8 decimals_) ERC20("", "") {
        bridge = msg.sender;
        _name = name_;
        _symbol = symbol_;
        _decimals = decimals_;
    }

    /// @notice Creates tokens. Only the bridge may call it.
    /// @param to who gets them
    /// @param amount how many
    function mint(address to, uint256 amount) external onlyBridge {
        _mint(to, amount);
    }

    /// @notice Destroys tokens of anyone, without allowance. Only the bridge may call it, and it
    /// does so only with the tokens of its own caller.
    /// @param from whose tokens
    /// @param amount how many
    function burn(address from, uint256 amount) external onlyBridge {
        _burn(from, amount);
    }

    /// @inheritdoc ERC20
    function name() public view override returns (string memory) {
        return _text(_name);
    }

    /// @inheritdoc ERC20
    function symbol() public view override returns (string memory) {
        return _text(_symbol);
    }

    /// @inheritdoc ERC20
    function decimals() public view override returns (uint8) {
        return _decimals;
    }

    function _text(bytes32 word) private pure returns (string memory) {
        uint256 n;
        while (n < 32 && word[n] != 0) ++n;
        bytes memory text = abi.encodePacked(word);
        assembly ("memory-safe") {
            mstore(text, n)
        }
        return string(text);
    }
}
