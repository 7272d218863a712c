// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The bridge contract of one chain
/// @notice Keeps two ordered logs: the inbox, which only this contract appends to and the
/// network reads, and the outbox, which only the network appends to and this contract executes.
interface IBridge {
    /// @notice What the validators sign, once a block for all chains together.
    struct Seal {
        uint64 epoch;
        uint64 height;
        bytes32 root;
    }

    // Inbox events. `inboxHash` is the accumulator after the event: with the nonce it lets an
    // observer prove that it has seen every event and none that never happened.

    event Initialized(uint64 indexed nonce, bytes32 inboxHash, bytes32 setHash);
    event Deposited(
        uint64 indexed nonce,
        bytes32 inboxHash,
        address token,
        address sender,
        uint64 destination,
        bytes32 recipient,
        address refundTo,
        uint128 amount,
        uint128 maxFee,
        bytes data
    );
    event Executed(
        uint64 indexed nonce,
        bytes32 inboxHash,
        uint64 outboxNonce,
        uint32 first,
        uint32 count,
        address relayer,
        bytes failures
    );
    event Claimed(
        uint64 indexed nonce,
        bytes32 inboxHash,
        uint64 outboxNonce,
        uint32 index,
        address token,
        address owner,
        uint128 amount,
        address to
    );
    event TokenRegistered(
        uint64 indexed nonce, bytes32 inboxHash, bytes32 asset, address token, uint8 mode, uint8 decimals
    );
    event Staked(uint64 indexed nonce, bytes32 inboxHash, address operator, uint128 amount, bytes data);
    event Unstaked(uint64 indexed nonce, bytes32 inboxHash, address operator, uint128 amount);

    // Deployment.
    error BadChainId();
    error BadNetworkId();

    // Seals and quorums.
    error BadEpoch(uint64 current);
    error BadHeight(uint64 last);
    error BadIndex(uint32 next);
    error BadProof();
    error BadQuorum();
    error BadRoot();
    error BadSet();
    error BadSignature(uint256 position);
    error TooLittlePower(uint256 signed, uint256 total);
    error TooLittleGas(uint256 needed);

    // Users' calls.
    error BadAmount(uint256 amount);
    error BadDestination();
    error BadRecipient();
    error BadRefundAddress();
    error DataTooLong();
    error DepositsOff();
    error LimitExceeded(uint256 available);
    error NotOwed();
    error NothingToWithdraw();
    error OnlyStaking();
    error PaymentFailed();
    error UnknownToken();

    /// @notice Executes the next command of the outbox, or the next slice of a batch.
    /// @dev Reverts for order, proof, quorum and too little gas only. A command that cannot do
    /// its work is consumed, and its receipt says so. Anyone may call it.
    /// @param command the encoded command with the nonce `outboxNonce + 1`
    /// @param from must equal `nextIndex`: the first item to execute
    /// @param proof Merkle path of the command's leaf to the root of the seal
    /// @param seal what the validators signed
    /// @param quorum the packed validator set, the bitmap of signers and their signatures
    function execute(
        bytes calldata command,
        uint32 from,
        bytes32[] calldata proof,
        Seal calldata seal,
        bytes calldata quorum
    ) external;

    /// @notice Reverts unless the quorum holds more than 2/3 of the current set's power over the seal.
    /// @param seal what the validators signed
    /// @param quorum the packed validator set, the bitmap of signers and their signatures
    function checkQuorum(Seal calldata seal, bytes calldata quorum) external view;

    /// @notice Locks (or, for a wrapped token, burns) tokens of the caller to be paid out on another chain.
    /// @dev What arrives counts, not what was asked for. Wrapped tokens need no allowance.
    /// @param token a registered token, but not NATIVE
    /// @param amount how much to take from the caller
    /// @param destination id of the chain that pays out
    /// @param recipient who is paid there; on EVM chains an address with 12 leading zero bytes
    /// @param refundTo who is paid here if the transfer fails; zero means the caller
    /// @param maxFee the highest fee accepted, in units of the token
    /// @param data carried along unseen, at most 1,024 bytes
    /// @return nonce the inbox nonce, the second half of the transfer's id
    function deposit(
        address token,
        uint256 amount,
        uint64 destination,
        bytes32 recipient,
        address refundTo,
        uint128 maxFee,
        bytes calldata data
    ) external returns (uint64 nonce);

    /// @notice Like `deposit`, for the chain's native coin: the value of the call is the amount.
    /// @param destination id of the chain that pays out
    /// @param recipient who is paid there
    /// @param refundTo who is paid here if the transfer fails; zero means the caller
    /// @param maxFee the highest fee accepted
    /// @param data carried along unseen, at most 1,024 bytes
    /// @return nonce the inbox nonce, the second half of the transfer's id
    function depositNative(
        uint64 destination,
        bytes32 recipient,
        address refundTo,
        uint128 maxFee,
        bytes calldata data
    ) external payable returns (uint64 nonce);

    /// @notice Pays a refund that could not be paid when its batch was executed. Only its owner may call.
    /// @dev Counts against the token's flow limit, else a failed refund would be a way around it.
    /// @param outboxNonce the batch
    /// @param index the entry's index in the batch
    /// @param token the entry's token
    /// @param amount the entry's amount
    /// @param to where to pay
    function claim(uint64 outboxNonce, uint32 index, address token, uint128 amount, address to) external;

    /// @notice Pays the caller's relay fees, as far as the token's flow limit allows; the rest stays.
    /// @param token which token's fees
    /// @param to where to pay
    /// @return amount what was paid
    function withdrawFees(address token, address to) external returns (uint256 amount);

    /// @notice Tells the network of stake that was put down. Only the staking contract may call.
    /// @param operator whose stake
    /// @param amount how much
    /// @param data carried along unseen, at most 1,024 bytes
    function noteStaked(address operator, uint128 amount, bytes calldata data) external;

    /// @notice Tells the network of stake that was taken away. Only the staking contract may call.
    /// @param operator whose stake
    /// @param amount how much
    function noteUnstaked(address operator, uint128 amount) external;

    /// @notice keccak256 of the chain-id string of the network that this bridge obeys.
    function networkId() external view returns (bytes32);

    /// @notice The only contract that may report stake, and that is called to slash and to
    /// release; zero for none.
    function staking() external view returns (address);

    /// @notice Nonce of the newest inbox event.
    function inboxNonce() external view returns (uint64);

    /// @notice Accumulator over all inbox events.
    function inboxHash() external view returns (bytes32);

    /// @notice Nonce of the last command that was fully executed.
    function outboxNonce() external view returns (uint64);

    /// @notice Next item of the command `outboxNonce + 1`.
    function nextIndex() external view returns (uint32);

    /// @notice Height of the newest seal used; older ones are refused.
    function sealHeight() external view returns (uint64);

    /// @notice Whether deposits are taken.
    function deposits() external view returns (bool);

    /// @notice Whether the first command, Activate, was executed.
    function activated() external view returns (bool);

    /// @notice Number of the validator set in force; 0 until the first seal has told it.
    function epoch() external view returns (uint64);

    /// @notice keccak256 of the packed validator set in force.
    function setHash() external view returns (bytes32);

    /// @notice Sum of the powers of the validator set in force.
    function totalPower() external view returns (uint32);

    /// @notice Gas that each payout of a batch may use, and is guaranteed.
    function releaseGas() external view returns (uint32);

    /// @notice Relay fees of an account that it has not withdrawn.
    function claimable(address account, address token) external view returns (uint256);

    /// @notice Relay fees of all accounts that were not withdrawn.
    function totalClaimable(address token) external view returns (uint256);

    /// @notice Hash over token, owner and amount of a refund that is owed; zero if there is none.
    /// @param key `outboxNonce << 32 | index`
    function owed(uint256 key) external view returns (bytes32);

    /// @notice The token that stands for an asset on this chain, or zero.
    function tokenOf(bytes32 asset) external view returns (address);

    /// @notice What is known of a token; mode 0 means that it is not registered.
    /// @dev `limited` is whether there is a flow limit, `level` what its bucket held at the time
    /// `updated`, `fees` is `totalClaimable`.
    function tokens(address token)
        external
        view
        returns (
            uint8 mode,
            uint8 decimals,
            bool limited,
            uint128 minimum,
            uint64 updated,
            uint128 capacity,
            uint128 rate,
            uint128 level,
            uint128 fees
        );
}
