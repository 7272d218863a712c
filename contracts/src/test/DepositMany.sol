// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IBridge} from "../IBridge.sol";

/// @title Many deposits in one transaction, out of this contract's own balance
contract DepositMany {
    /// @notice Makes `count` deposits of `amount` each. The tokens must be here already.
    /// @param bridge where to deposit
    /// @param token what to deposit
    /// @param amount of each deposit
    /// @param count how many deposits
    /// @param destination id of the chain that pays out
    /// @param recipient who is paid there
    /// @param refundTo who is paid here if a transfer fails
    /// @param maxFee the highest fee accepted
    /// @return first the inbox nonce of the first deposit
    function run(
        IBridge bridge,
        IERC20 token,
        uint256 amount,
        uint256 count,
        uint64 destination,
        bytes32 recipient,
        address refundTo,
        uint128 maxFee
    ) external returns (uint64 first) {
        token.approve(address(bridge), type(uint256).max);
        for (uint256 i; i < count; ++i) {
            uint64 nonce = bridge.deposit(address(token), amount, destination, recipient, refundTo, maxFee, "");
            if (i == 0) first = nonce;
        }
    }
}
