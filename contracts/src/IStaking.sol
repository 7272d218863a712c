// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What the bridge needs of the contract that holds the validators' stake
interface IStaking {
    /// @notice Takes a part of an operator's stake. Only the bridge may call it.
    /// @param operator whose stake is cut
    /// @param fraction the part to take, in millionths, 1 to 1,000,000
    function slash(address operator, uint32 fraction) external;

    /// @notice Ends the unbonding of a part of an operator's stake. Only the bridge may call it.
    /// @param operator whose stake its owner may take from now on
    /// @param amount how much, counted as it was asked for: what slashes took since is not paid
    function release(address operator, uint128 amount) external;
}
