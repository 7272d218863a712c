// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token for tests and development networks: anyone mints
contract TestToken is ERC20 {
    uint8 private immutable _decimals;

    /// @param name_ the token's name
    /// @param symbol_ the token's symbol
    /// @param decimals_ digits behind the point
    constructor(string memory name_, string memory symbol_, uint8 decimals_) ERC20(name_, symbol_) {
        _decimals = decimals_;
    }

    /// @notice Creates tokens for anyone, by anyone.
    /// @param to who gets them
    /// @param amount how many
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    /// @inheritdoc ERC20
    function decimals() public view override returns (uint8) {
        return _decimals;
    }
}
