// Code generated via abigen V2 - DO NOT EDIT.
// This file is a generated binding and any manual changes will be lost.

package bindings

import (
	"bytes"
	"errors"
	"math/big"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/accounts/abi/bind/v2"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// Reference imports to suppress errors if they are not otherwise used.
var (
	_ = bytes.Equal
	_ = errors.New
	_ = big.NewInt
	_ = common.Big1
	_ = types.BloomLookup
	_ = abi.ConvertType
)

// StakingRequest is an auto generated low-level Go binding around an user-defined struct.
type StakingRequest struct {
	Left  *big.Int
	Ripe  uint64
	Asked *big.Int
}

// StakingMetaData contains all meta data concerning the Staking contract.
var StakingMetaData = bind.MetaData{
	ABI: "[{\"inputs\":[{\"internalType\":\"contractIERC20\",\"name\":\"token_\",\"type\":\"address\"},{\"internalType\":\"contractIBridge\",\"name\":\"bridge_\",\"type\":\"address\"},{\"internalType\":\"uint64\",\"name\":\"unbonding_\",\"type\":\"uint64\"},{\"internalType\":\"uint128\",\"name\":\"minimum_\",\"type\":\"uint128\"}],\"stateMutability\":\"nonpayable\",\"type\":\"constructor\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"amount\",\"type\":\"uint256\"}],\"name\":\"BadAmount\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"BadBridge\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"BadMinimum\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"BadRecipient\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"BadToken\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"BadUnbonding\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"left\",\"type\":\"uint256\"}],\"name\":\"BelowMinimum\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"NotConnected\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"uint64\",\"name\":\"ripe\",\"type\":\"uint64\"}],\"name\":\"NotRipe\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"NothingToWithdraw\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"OnlyBridge\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"ReentrancyGuardReentrantCall\",\"type\":\"error\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"token\",\"type\":\"address\"}],\"name\":\"SafeERC20FailedOperation\",\"type\":\"error\"},{\"inputs\":[],\"name\":\"TooManyRequests\",\"type\":\"error\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"uint128\",\"name\":\"amount\",\"type\":\"uint128\"}],\"name\":\"Released\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"uint128\",\"name\":\"staked\",\"type\":\"uint128\"},{\"indexed\":false,\"internalType\":\"uint256\",\"name\":\"unbonding\",\"type\":\"uint256\"}],\"name\":\"Slashed\",\"type\":\"event\"},{\"anonymous\":false,\"inputs\":[{\"indexed\":true,\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"},{\"indexed\":false,\"internalType\":\"uint128\",\"name\":\"amount\",\"type\":\"uint128\"}],\"name\":\"Withdrawn\",\"type\":\"event\"},{\"inputs\":[],\"name\":\"MAX_REQUESTS\",\"outputs\":[{\"internalType\":\"uint64\",\"name\":\"\",\"type\":\"uint64\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"MAX_UNBONDING\",\"outputs\":[{\"internalType\":\"uint64\",\"name\":\"\",\"type\":\"uint64\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"}],\"name\":\"accounts\",\"outputs\":[{\"internalType\":\"uint128\",\"name\":\"staked\",\"type\":\"uint128\"},{\"internalType\":\"uint128\",\"name\":\"withdrawable\",\"type\":\"uint128\"},{\"internalType\":\"uint64\",\"name\":\"first\",\"type\":\"uint64\"},{\"internalType\":\"uint64\",\"name\":\"open\",\"type\":\"uint64\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"bridge\",\"outputs\":[{\"internalType\":\"contractIBridge\",\"name\":\"\",\"type\":\"address\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"minimum\",\"outputs\":[{\"internalType\":\"uint128\",\"name\":\"\",\"type\":\"uint128\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"internalType\":\"uint128\",\"name\":\"amount\",\"type\":\"uint128\"}],\"name\":\"release\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint128\",\"name\":\"amount\",\"type\":\"uint128\"}],\"name\":\"requestUnstake\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"}],\"name\":\"requests\",\"outputs\":[{\"components\":[{\"internalType\":\"uint128\",\"name\":\"left\",\"type\":\"uint128\"},{\"internalType\":\"uint64\",\"name\":\"ripe\",\"type\":\"uint64\"},{\"internalType\":\"uint128\",\"name\":\"asked\",\"type\":\"uint128\"}],\"internalType\":\"structStaking.Request[]\",\"name\":\"list\",\"type\":\"tuple[]\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"internalType\":\"uint32\",\"name\":\"fraction\",\"type\":\"uint32\"}],\"name\":\"slash\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"slashed\",\"outputs\":[{\"internalType\":\"uint256\",\"name\":\"\",\"type\":\"uint256\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"uint256\",\"name\":\"amount\",\"type\":\"uint256\"},{\"internalType\":\"bytes\",\"name\":\"data\",\"type\":\"bytes\"}],\"name\":\"stake\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"token\",\"outputs\":[{\"internalType\":\"contractIERC20\",\"name\":\"\",\"type\":\"address\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"unbonding\",\"outputs\":[{\"internalType\":\"uint64\",\"name\":\"\",\"type\":\"uint64\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"to\",\"type\":\"address\"}],\"name\":\"withdraw\",\"outputs\":[{\"internalType\":\"uint128\",\"name\":\"amount\",\"type\":\"uint128\"}],\"stateMutability\":\"nonpayable\",\"type\":\"function\"}]",
	ID:  "Staking",
	Bin: "0x6101003461018657601f611bf138819003918201601f19168301916001600160401b0383118484101761018a578084926080946040528339810103126101865780516001600160a01b03811691908281036101865760208201516001600160a01b03811693909190848303610186576040840151936001600160401b038516908186036101865760600151956001600160801b0387169283880361018657803b1561017757811591821561016d575b505061015e576301e133801061014f57156101405760805260a05260c05260e052604051611a52908161019f823960805181818160e401528181610c1601526112b6015260a051818181610138015281816101d9015281816106da01528181610db60152611258015260c05181818161054d01526111c5015260e05181818161080601528181610b0901526113f20152f35b636e77247560e01b5f5260045ffd5b6325f3af5760e21b5f5260045ffd5b631bfdb79f60e01b5f5260045ffd5b1490505f806100ae565b637401d93160e01b5f5260045ffd5b5f80fd5b634e487b7160e01b5f52604160045260245ffdfe6080806040526004361015610012575f80fd5b5f905f3560e01c9081630a1ca63214611772575080630e89439b146111e9578063331fc44a146111a45780634cc9d21714610d6857806351cff8d914610b2d57806352d6804d14610ae05780635e5c06e214610a6157806374adad1d14610879578063866be1e1146104705780638a71481114610197578063935212221461017b578063a2a9b1ae1461015c578063e78cea921461010b5763fc0c546a146100b8575f80fd5b34610108578060031936011261010857602060405173ffffffffffffffffffffffffffffffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000168152f35b80fd5b5034610108578060031936011261010857602060405173ffffffffffffffffffffffffffffffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000168152f35b503461010857806003193601126101085760206040516301e133808152f35b5034610108578060031936011261010857602060405160108152f35b5034610108576040600319360112610108576101b161178c565b60243563ffffffff811680910361046c5773ffffffffffffffffffffffffffffffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000168033036104445773ffffffffffffffffffffffffffffffffffffffff83949316928381528060205260408120936fffffffffffffffffffffffffffffffff855416926fffffffffffffffffffffffffffffffff61026061025987876119cb565b809661189a565b167fffffffffffffffffffffffffffffffff0000000000000000000000000000000087541617865582966001849701975b885467ffffffffffffffff8160401c1667ffffffffffffffff8a1610156103475761033e67ffffffffffffffff9260019287895283602052846102da8d8260408d209416611846565b165f526020526fffffffffffffffffffffffffffffffff8a60405f208261030f6103088284541694856119cb565b809461189a565b167fffffffffffffffffffffffffffffffff000000000000000000000000000000008254161790551690611839565b98011696610291565b5084937fef0415023a794892f2ca5b139c66ebd5975def2043414ac2a1a64ffa5c8e98ed604088936fffffffffffffffffffffffffffffffff8516906103986103908284611839565b600254611839565b60025582519182526020820152a2823b1561043f576040517fbb08648100000000000000000000000000000000000000000000000000000000815273ffffffffffffffffffffffffffffffffffffffff9290921660048301526fffffffffffffffffffffffffffffffff1660248201529082908290604490829084905af18015610434576104235750f35b8161042d916117f8565b6101085780f35b6040513d84823e3d90fd5b505050fd5b6004847f38da3b15000000000000000000000000000000000000000000000000000000008152fd5b8280fd5b503461010857602060031936011261010857600435906fffffffffffffffffffffffffffffffff821691828103610875576104a9611957565b338252816020526040822083158015610859575b61082d576fffffffffffffffffffffffffffffffff6104df838284541661189a565b1690811515806107f2575b6107c6576001810191601067ffffffffffffffff845460401c161461079e576fffffffffffffffffffffffffffffffff8596836001937fffffffffffffffffffffffffffffffff000000000000000000000000000000008496541617905561057c7f000000000000000000000000000000000000000000000000000000000000000067ffffffffffffffff4216611846565b60405195610589876117af565b82875267ffffffffffffffff6020880192168252604087019283523389528460205267ffffffffffffffff61061860408b2092828154610612828260401c16936105d285611868565b7fffffffffffffffffffffffffffffffff0000000000000000ffffffffffffffff6fffffffffffffffff000000000000000083549260401b169116179055565b16611846565b165f52602052828060405f20975116167fffffffffffffffffffffffffffffffff00000000000000000000000000000000875416178655517fffffffffffffffff0000000000000000ffffffffffffffffffffffffffffffff77ffffffffffffffff0000000000000000000000000000000087549260801b1691161785555116920191167fffffffffffffffffffffffffffffffff0000000000000000000000000000000082541617905573ffffffffffffffffffffffffffffffffffffffff7f000000000000000000000000000000000000000000000000000000000000000016803b1561079a576040517fbb0864810000000000000000000000000000000000000000000000000000000081523360048201526fffffffffffffffffffffffffffffffff92909216602483015282908290604490829084905af1801561043457610785575b507f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d80f35b8161078f916117f8565b61010857805f61075f565b5050fd5b6004857f056d6347000000000000000000000000000000000000000000000000000000008152fd5b602484837f06b2f1c7000000000000000000000000000000000000000000000000000000008252600452fd5b506fffffffffffffffffffffffffffffffff7f00000000000000000000000000000000000000000000000000000000000000001682106104ea565b602483857fb39be4d2000000000000000000000000000000000000000000000000000000008252600452fd5b506fffffffffffffffffffffffffffffffff81541684116104bd565b5080fd5b50346101085760206003193601126101085773ffffffffffffffffffffffffffffffffffffffff6108a861178c565b1680825281602052600160408320015467ffffffffffffffff8160401c16906108d0826118fe565b906108de60405192836117f8565b8282527fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe061090b846118fe565b01855b818110610a3257505067ffffffffffffffff16845b67ffffffffffffffff8116848110156109b75767ffffffffffffffff916109af600192888a528360205260408a208561095c8589611846565b165f5260205260405f206fffffffffffffffffffffffffffffffff8560405192610985846117af565b888154848116865260801c16602085015201541660408201526109a88289611916565b5286611916565b500116610923565b8387604051918291602083016020845282518091526020604085019301915b8181106109e4575050500390f35b91935091602060606001926fffffffffffffffffffffffffffffffff6040885182815116845267ffffffffffffffff86820151168685015201511660408201520194019101918493926109d6565b602090604096939651610a44816117af565b88815288838201528860408201528282870101520194919461090e565b503461010857602060031936011261010857604060809173ffffffffffffffffffffffffffffffffffffffff610a9561178c565b168152806020522067ffffffffffffffff60018254920154604051926fffffffffffffffffffffffffffffffff81168452841c6020840152818116604084015260401c166060820152f35b503461010857806003193601126101085760206040516fffffffffffffffffffffffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000168152f35b503461010857602060031936011261010857610b4761178c565b610b4f611957565b73ffffffffffffffffffffffffffffffffffffffff81169081158015610d5f575b610d375733835282602052604083205460801c908115610d0f5733845283602052604084206fffffffffffffffffffffffffffffffff81541690557ff3534c5992c3931fc86fbca15a3e750e109223ef17b7347236ffc0b1e7bdab2960405180610c11853395839092916fffffffffffffffffffffffffffffffff60209173ffffffffffffffffffffffffffffffffffffffff604085019616845216910152565b0390a27f000000000000000000000000000000000000000000000000000000000000000092604051927fa9059cbb0000000000000000000000000000000000000000000000000000000082526004528160245260208160448180885af16001825114811615610cf0575b8360405215610cae57602093507f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d8152f35b8073ffffffffffffffffffffffffffffffffffffffff857f5274afe7000000000000000000000000000000000000000000000000000000006024945216600452fd5b6001811516610d0657843b15153d151616610c7b565b833d83823e3d90fd5b6004847fd0d04f60000000000000000000000000000000000000000000000000000000008152fd5b6004837f67a2cc26000000000000000000000000000000000000000000000000000000008152fd5b50308214610b70565b503461010857604060031936011261010857610d8261178c565b906024356fffffffffffffffffffffffffffffffff811681036108755773ffffffffffffffffffffffffffffffffffffffff7f000000000000000000000000000000000000000000000000000000000000000016330361117c5773ffffffffffffffffffffffffffffffffffffffff909216908181528060205260408120916001830193845492610e2367ffffffffffffffff8086169560401c1685611846565b92815b6fffffffffffffffffffffffffffffffff8416908115158061115e575b156111455782845260016020526040842067ffffffffffffffff88165f5260205260405f2090815467ffffffffffffffff8160801c1680421061111a57506fffffffffffffffffffffffffffffffff169160018101906fffffffffffffffffffffffffffffffff82541694858110610f045750505091610ef1610ef792610efd9486885260016020526040882067ffffffffffffffff8c165f5260205287600160405f2082815501556118cc565b9561189a565b95611868565b9492610e26565b610f189085979c9a989d9994969395611887565b82156110ed57610f8267ffffffffffffffff979484610faf97946fffffffffffffffffffffffffffffffff610f55818d9c9981980416809a61189a565b167fffffffffffffffffffffffffffffffff0000000000000000000000000000000082541617905561189a565b167fffffffffffffffffffffffffffffffff000000000000000000000000000000008254161790556118cc565b955b1691827fffffffffffffffffffffffffffffffffffffffffffffffff000000000000000085541617845516039067ffffffffffffffff82116110c057916110587fb8ce499f00303e2ba40111fcdb91126295620b5e6d3aebc1c569c5f19d5bc0749492602094907fffffffffffffffffffffffffffffffff0000000000000000ffffffffffffffff6fffffffffffffffff000000000000000083549260401b169116179055565b61106682825460801c6118cc565b6fffffffffffffffffffffffffffffffff7fffffffffffffffffffffffffffffffff0000000000000000000000000000000083549260801b1691161790556fffffffffffffffffffffffffffffffff60405191168152a280f35b6024867f4e487b710000000000000000000000000000000000000000000000000000000081526011600452fd5b60248d7f4e487b710000000000000000000000000000000000000000000000000000000081526012600452fd5b7fc702ba76000000000000000000000000000000000000000000000000000000008752600452602486fd5b9567ffffffffffffffff92979593989450829150610fb1565b5067ffffffffffffffff861667ffffffffffffffff88161415610e43565b6004827f38da3b15000000000000000000000000000000000000000000000000000000008152fd5b5034610108578060031936011261010857602060405167ffffffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000168152f35b503461154d57604060031936011261154d5760243567ffffffffffffffff811161154d573660238201121561154d5780600401359067ffffffffffffffff821161154d57366024838301011161154d57611241611957565b73ffffffffffffffffffffffffffffffffffffffff7f00000000000000000000000000000000000000000000000000000000000000001690813b1580156116c6575b61169e576040517f70a08231000000000000000000000000000000000000000000000000000000008152306004820152917f000000000000000000000000000000000000000000000000000000000000000073ffffffffffffffffffffffffffffffffffffffff8116602085602481845afa948515611542575f9561166a575b50604051917f23b872dd000000000000000000000000000000000000000000000000000000005f52336004523060245260043560445260205f60648180855af19060015f511482161561164b575b50826040525f6060521561162057816024816020937f70a082310000000000000000000000000000000000000000000000000000000082523060048301525afa908115611542575f916115ee575b50838103938185116115c157335f525f6020526113d2856fffffffffffffffffffffffffffffffff60405f205416611839565b911480156115a8575b61157c576fffffffffffffffffffffffffffffffff7f000000000000000000000000000000000000000000000000000000000000000016811061155157335f525f6020526fffffffffffffffffffffffffffffffff8060405f209216167fffffffffffffffffffffffffffffffff00000000000000000000000000000000825416179055803b1561154d576fffffffffffffffffffffffffffffffff5f608481957fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0601f8960249a6040519b8c9a8b998a977f8f9a36d00000000000000000000000000000000000000000000000000000000089523360048a0152168288015260606044880152826064880152018686013785858286010152011681010301925af180156115425761152f575b50807f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d80f35b61153b91505f906117f8565b5f5f611508565b6040513d5f823e3d90fd5b5f80fd5b7f06b2f1c7000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b837fb39be4d2000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b506fffffffffffffffffffffffffffffffff81116113db565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52601160045260245ffd5b90506020813d602011611618575b81611609602093836117f8565b8101031261154d57515f61139f565b3d91506115fc565b7f5274afe7000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b6001821516611661573b15153d1516165f611351565b833d5f823e3d90fd5b9094506020813d602011611696575b81611686602093836117f8565b8101031261154d5751935f611303565b3d9150611679565b7ffa51714c000000000000000000000000000000000000000000000000000000005f5260045ffd5b506040517f4cf088d9000000000000000000000000000000000000000000000000000000008152602081600481865afa908115611542575f91611723575b5073ffffffffffffffffffffffffffffffffffffffff16301415611283565b90506020813d60201161176a575b8161173e602093836117f8565b8101031261154d575173ffffffffffffffffffffffffffffffffffffffff8116810361154d575f611704565b3d9150611731565b3461154d575f60031936011261154d576020906002548152f35b6004359073ffffffffffffffffffffffffffffffffffffffff8216820361154d57565b6060810190811067ffffffffffffffff8211176117cb57604052565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52604160045260245ffd5b90601f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0910116810190811067ffffffffffffffff8211176117cb57604052565b919082018092116115c157565b9067ffffffffffffffff8091169116019067ffffffffffffffff82116115c157565b67ffffffffffffffff1667ffffffffffffffff81146115c15760010190565b818102929181159184041417156115c157565b906fffffffffffffffffffffffffffffffff809116911603906fffffffffffffffffffffffffffffffff82116115c157565b906fffffffffffffffffffffffffffffffff809116911601906fffffffffffffffffffffffffffffffff82116115c157565b67ffffffffffffffff81116117cb5760051b60200190565b805182101561192a5760209160051b010190565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52603260045260245ffd5b7f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005c6119a35760017f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d565b7f3ee5aeb5000000000000000000000000000000000000000000000000000000005f5260045ffd5b906fffffffffffffffffffffffffffffffff6119e79216611887565b620f42408101908181116115c157620f423f019081116115c157620f42406fffffffffffffffffffffffffffffffff9104169056fea2646970667358221220eaf497de88d6cc5fef21fc6f867a7f579e0a7eeeea7cfa38245ee096d5018aca64736f6c63430008250033",
}

// Staking is an auto generated Go binding around an Ethereum contract.
type Staking struct {
	abi abi.ABI
}

// GetABI returns the ABI associated with this contract binding.
func (c *Staking) GetABI() abi.ABI {
	return c.abi
}

// NewStaking creates a new instance of Staking.
func NewStaking() *Staking {
	parsed, err := StakingMetaData.ParseABI()
	if err != nil {
		panic(errors.New("invalid ABI: " + err.Error()))
	}
	return &Staking{abi: *parsed}
}

// Instance creates a wrapper for a deployed contract instance at the given address.
// Use this to create the instance object passed to abigen v2 library functions Call, Transact, etc.
func (c *Staking) Instance(backend bind.ContractBackend, addr common.Address) *bind.BoundContract {
	return bind.NewBoundContract(addr, c.abi, backend, backend, backend)
}

// PackConstructor is the Go binding used to pack the parameters required for
// contract deployment.
//
// Solidity: constructor(address token_, address bridge_, uint64 unbonding_, uint128 minimum_) returns()
func (staking *Staking) PackConstructor(token_ common.Address, bridge_ common.Address, unbonding_ uint64, minimum_ *big.Int) []byte {
	enc, err := staking.abi.Pack("", token_, bridge_, unbonding_, minimum_)
	if err != nil {
		panic(err)
	}
	return enc
}

// PackMAXREQUESTS is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x93521222.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function MAX_REQUESTS() view returns(uint64)
func (staking *Staking) PackMAXREQUESTS() []byte {
	enc, err := staking.abi.Pack("MAX_REQUESTS")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackMAXREQUESTS is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x93521222.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function MAX_REQUESTS() view returns(uint64)
func (staking *Staking) TryPackMAXREQUESTS() ([]byte, error) {
	return staking.abi.Pack("MAX_REQUESTS")
}

// UnpackMAXREQUESTS is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x93521222.
//
// Solidity: function MAX_REQUESTS() view returns(uint64)
func (staking *Staking) UnpackMAXREQUESTS(data []byte) (uint64, error) {
	out, err := staking.abi.Unpack("MAX_REQUESTS", data)
	if err != nil {
		return *new(uint64), err
	}
	out0 := *abi.ConvertType(out[0], new(uint64)).(*uint64)
	return out0, nil
}

// PackMAXUNBONDING is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xa2a9b1ae.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function MAX_UNBONDING() view returns(uint64)
func (staking *Staking) PackMAXUNBONDING() []byte {
	enc, err := staking.abi.Pack("MAX_UNBONDING")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackMAXUNBONDING is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xa2a9b1ae.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function MAX_UNBONDING() view returns(uint64)
func (staking *Staking) TryPackMAXUNBONDING() ([]byte, error) {
	return staking.abi.Pack("MAX_UNBONDING")
}

// UnpackMAXUNBONDING is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xa2a9b1ae.
//
// Solidity: function MAX_UNBONDING() view returns(uint64)
func (staking *Staking) UnpackMAXUNBONDING(data []byte) (uint64, error) {
	out, err := staking.abi.Unpack("MAX_UNBONDING", data)
	if err != nil {
		return *new(uint64), err
	}
	out0 := *abi.ConvertType(out[0], new(uint64)).(*uint64)
	return out0, nil
}

// PackAccounts is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x5e5c06e2.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function accounts(address operator) view returns(uint128 staked, uint128 withdrawable, uint64 first, uint64 open)
func (staking *Staking) PackAccounts(operator common.Address) []byte {
	enc, err := staking.abi.Pack("accounts", operator)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackAccounts is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x5e5c06e2.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function accounts(address operator) view returns(uint128 staked, uint128 withdrawable, uint64 first, uint64 open)
func (staking *Staking) TryPackAccounts(operator common.Address) ([]byte, error) {
	return staking.abi.Pack("accounts", operator)
}

// AccountsOutput serves as a container for the return parameters of contract
// method Accounts.
type AccountsOutput struct {
	Staked       *big.Int
	Withdrawable *big.Int
	First        uint64
	Open         uint64
}

// UnpackAccounts is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x5e5c06e2.
//
// Solidity: function accounts(address operator) view returns(uint128 staked, uint128 withdrawable, uint64 first, uint64 open)
func (staking *Staking) UnpackAccounts(data []byte) (AccountsOutput, error) {
	out, err := staking.abi.Unpack("accounts", data)
	outstruct := new(AccountsOutput)
	if err != nil {
		return *outstruct, err
	}
	outstruct.Staked = abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	outstruct.Withdrawable = abi.ConvertType(out[1], new(big.Int)).(*big.Int)
	outstruct.First = *abi.ConvertType(out[2], new(uint64)).(*uint64)
	outstruct.Open = *abi.ConvertType(out[3], new(uint64)).(*uint64)
	return *outstruct, nil
}

// PackBridge is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe78cea92.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function bridge() view returns(address)
func (staking *Staking) PackBridge() []byte {
	enc, err := staking.abi.Pack("bridge")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackBridge is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe78cea92.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function bridge() view returns(address)
func (staking *Staking) TryPackBridge() ([]byte, error) {
	return staking.abi.Pack("bridge")
}

// UnpackBridge is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xe78cea92.
//
// Solidity: function bridge() view returns(address)
func (staking *Staking) UnpackBridge(data []byte) (common.Address, error) {
	out, err := staking.abi.Unpack("bridge", data)
	if err != nil {
		return *new(common.Address), err
	}
	out0 := *abi.ConvertType(out[0], new(common.Address)).(*common.Address)
	return out0, nil
}

// PackMinimum is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x52d6804d.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function minimum() view returns(uint128)
func (staking *Staking) PackMinimum() []byte {
	enc, err := staking.abi.Pack("minimum")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackMinimum is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x52d6804d.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function minimum() view returns(uint128)
func (staking *Staking) TryPackMinimum() ([]byte, error) {
	return staking.abi.Pack("minimum")
}

// UnpackMinimum is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x52d6804d.
//
// Solidity: function minimum() view returns(uint128)
func (staking *Staking) UnpackMinimum(data []byte) (*big.Int, error) {
	out, err := staking.abi.Unpack("minimum", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackRelease is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x4cc9d217.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function release(address operator, uint128 amount) returns()
func (staking *Staking) PackRelease(operator common.Address, amount *big.Int) []byte {
	enc, err := staking.abi.Pack("release", operator, amount)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackRelease is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x4cc9d217.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function release(address operator, uint128 amount) returns()
func (staking *Staking) TryPackRelease(operator common.Address, amount *big.Int) ([]byte, error) {
	return staking.abi.Pack("release", operator, amount)
}

// PackRequestUnstake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x866be1e1.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function requestUnstake(uint128 amount) returns()
func (staking *Staking) PackRequestUnstake(amount *big.Int) []byte {
	enc, err := staking.abi.Pack("requestUnstake", amount)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackRequestUnstake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x866be1e1.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function requestUnstake(uint128 amount) returns()
func (staking *Staking) TryPackRequestUnstake(amount *big.Int) ([]byte, error) {
	return staking.abi.Pack("requestUnstake", amount)
}

// PackRequests is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x74adad1d.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function requests(address operator) view returns((uint128,uint64,uint128)[] list)
func (staking *Staking) PackRequests(operator common.Address) []byte {
	enc, err := staking.abi.Pack("requests", operator)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackRequests is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x74adad1d.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function requests(address operator) view returns((uint128,uint64,uint128)[] list)
func (staking *Staking) TryPackRequests(operator common.Address) ([]byte, error) {
	return staking.abi.Pack("requests", operator)
}

// UnpackRequests is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x74adad1d.
//
// Solidity: function requests(address operator) view returns((uint128,uint64,uint128)[] list)
func (staking *Staking) UnpackRequests(data []byte) ([]StakingRequest, error) {
	out, err := staking.abi.Unpack("requests", data)
	if err != nil {
		return *new([]StakingRequest), err
	}
	out0 := *abi.ConvertType(out[0], new([]StakingRequest)).(*[]StakingRequest)
	return out0, nil
}

// PackSlash is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8a714811.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function slash(address operator, uint32 fraction) returns()
func (staking *Staking) PackSlash(operator common.Address, fraction uint32) []byte {
	enc, err := staking.abi.Pack("slash", operator, fraction)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSlash is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8a714811.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function slash(address operator, uint32 fraction) returns()
func (staking *Staking) TryPackSlash(operator common.Address, fraction uint32) ([]byte, error) {
	return staking.abi.Pack("slash", operator, fraction)
}

// PackSlashed is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0a1ca632.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function slashed() view returns(uint256)
func (staking *Staking) PackSlashed() []byte {
	enc, err := staking.abi.Pack("slashed")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSlashed is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0a1ca632.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function slashed() view returns(uint256)
func (staking *Staking) TryPackSlashed() ([]byte, error) {
	return staking.abi.Pack("slashed")
}

// UnpackSlashed is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x0a1ca632.
//
// Solidity: function slashed() view returns(uint256)
func (staking *Staking) UnpackSlashed(data []byte) (*big.Int, error) {
	out, err := staking.abi.Unpack("slashed", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackStake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0e89439b.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function stake(uint256 amount, bytes data) returns()
func (staking *Staking) PackStake(amount *big.Int, data []byte) []byte {
	enc, err := staking.abi.Pack("stake", amount, data)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackStake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0e89439b.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function stake(uint256 amount, bytes data) returns()
func (staking *Staking) TryPackStake(amount *big.Int, data []byte) ([]byte, error) {
	return staking.abi.Pack("stake", amount, data)
}

// PackToken is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xfc0c546a.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function token() view returns(address)
func (staking *Staking) PackToken() []byte {
	enc, err := staking.abi.Pack("token")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackToken is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xfc0c546a.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function token() view returns(address)
func (staking *Staking) TryPackToken() ([]byte, error) {
	return staking.abi.Pack("token")
}

// UnpackToken is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xfc0c546a.
//
// Solidity: function token() view returns(address)
func (staking *Staking) UnpackToken(data []byte) (common.Address, error) {
	out, err := staking.abi.Unpack("token", data)
	if err != nil {
		return *new(common.Address), err
	}
	out0 := *abi.ConvertType(out[0], new(common.Address)).(*common.Address)
	return out0, nil
}

// PackUnbonding is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x331fc44a.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function unbonding() view returns(uint64)
func (staking *Staking) PackUnbonding() []byte {
	enc, err := staking.abi.Pack("unbonding")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackUnbonding is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x331fc44a.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function unbonding() view returns(uint64)
func (staking *Staking) TryPackUnbonding() ([]byte, error) {
	return staking.abi.Pack("unbonding")
}

// UnpackUnbonding is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x331fc44a.
//
// Solidity: function unbonding() view returns(uint64)
func (staking *Staking) UnpackUnbonding(data []byte) (uint64, error) {
	out, err := staking.abi.Unpack("unbonding", data)
	if err != nil {
		return *new(uint64), err
	}
	out0 := *abi.ConvertType(out[0], new(uint64)).(*uint64)
	return out0, nil
}

// PackWithdraw is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x51cff8d9.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function withdraw(address to) returns(uint128 amount)
func (staking *Staking) PackWithdraw(to common.Address) []byte {
	enc, err := staking.abi.Pack("withdraw", to)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackWithdraw is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x51cff8d9.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function withdraw(address to) returns(uint128 amount)
func (staking *Staking) TryPackWithdraw(to common.Address) ([]byte, error) {
	return staking.abi.Pack("withdraw", to)
}

// UnpackWithdraw is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x51cff8d9.
//
// Solidity: function withdraw(address to) returns(uint128 amount)
func (staking *Staking) UnpackWithdraw(data []byte) (*big.Int, error) {
	out, err := staking.abi.Unpack("withdraw", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// StakingReleased represents a Released event raised by the Staking contract.
type StakingReleased struct {
	Operator common.Address
	Amount   *big.Int
	Raw      *types.Log // Blockchain specific contextual infos
}

const StakingReleasedEventName = "Released"

// ContractEventName returns the user-defined event name.
func (StakingReleased) ContractEventName() string {
	return StakingReleasedEventName
}

// UnpackReleasedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Released(address indexed operator, uint128 amount)
func (staking *Staking) UnpackReleasedEvent(log *types.Log) (*StakingReleased, error) {
	event := "Released"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != staking.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(StakingReleased)
	if len(log.Data) > 0 {
		if err := staking.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range staking.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// StakingSlashed represents a Slashed event raised by the Staking contract.
type StakingSlashed struct {
	Operator  common.Address
	Staked    *big.Int
	Unbonding *big.Int
	Raw       *types.Log // Blockchain specific contextual infos
}

const StakingSlashedEventName = "Slashed"

// ContractEventName returns the user-defined event name.
func (StakingSlashed) ContractEventName() string {
	return StakingSlashedEventName
}

// UnpackSlashedEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Slashed(address indexed operator, uint128 staked, uint256 unbonding)
func (staking *Staking) UnpackSlashedEvent(log *types.Log) (*StakingSlashed, error) {
	event := "Slashed"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != staking.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(StakingSlashed)
	if len(log.Data) > 0 {
		if err := staking.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range staking.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// StakingWithdrawn represents a Withdrawn event raised by the Staking contract.
type StakingWithdrawn struct {
	Operator common.Address
	To       common.Address
	Amount   *big.Int
	Raw      *types.Log // Blockchain specific contextual infos
}

const StakingWithdrawnEventName = "Withdrawn"

// ContractEventName returns the user-defined event name.
func (StakingWithdrawn) ContractEventName() string {
	return StakingWithdrawnEventName
}

// UnpackWithdrawnEvent is the Go binding that unpacks the event data emitted
// by contract.
//
// Solidity: event Withdrawn(address indexed operator, address to, uint128 amount)
func (staking *Staking) UnpackWithdrawnEvent(log *types.Log) (*StakingWithdrawn, error) {
	event := "Withdrawn"
	if len(log.Topics) == 0 {
		return nil, bind.ErrNoEventSignature
	}
	if log.Topics[0] != staking.abi.Events[event].ID {
		return nil, bind.ErrEventSignatureMismatch
	}
	out := new(StakingWithdrawn)
	if len(log.Data) > 0 {
		if err := staking.abi.UnpackIntoInterface(out, event, log.Data); err != nil {
			return nil, err
		}
	}
	var indexed abi.Arguments
	for _, arg := range staking.abi.Events[event].Inputs {
		if arg.Indexed {
			indexed = append(indexed, arg)
		}
	}
	if err := abi.ParseTopics(out, indexed, log.Topics[1:]); err != nil {
		return nil, err
	}
	out.Raw = log
	return out, nil
}

// UnpackError attempts to decode the provided error data using user-defined
// error definitions.
func (staking *Staking) UnpackError(raw []byte) (any, error) {
	if bytes.Equal(raw[:4], staking.abi.Errors["BadAmount"].ID.Bytes()[:4]) {
		return staking.UnpackBadAmountError(raw[4:])
	}
	if bytes.Equal(raw[:4], staking.abi.Errors["BadBridge"].ID.Bytes()[:4]) {
		return staking.UnpackBadBridgeError(raw[4:])
	}
	if bytes.Equal(raw[:4], staking.abi.Errors["BadMinimum"].ID.Bytes()[:4]) {
		return staking.UnpackBadMinimumError(raw[4:])
	}
	if bytes.Equal(raw[:4], staking.abi.Errors["BadRecipient"].ID.Bytes()[:4]) {
		return staking.UnpackBadRecipientError(raw[4:])
	}
	if bytes.Equal(raw[:4], staking.abi.Errors["BadToken"].ID.Bytes()[:4]) {
		return staking.UnpackBadTokenError(raw[4:])
	}
	if bytes.Equal(raw[:4], staking.abi.Errors["BadUnbonding"].ID.Bytes()[:4]) {
		return staking.UnpackBadUnbondingError(raw[4:])
	}
	if bytes.Equal(raw[:4], staking.abi.Errors["BelowMinimum"].ID.Bytes()[:4]) {
		return staking.UnpackBelowMinimumError(raw[4:])
	}
	if bytes.Equal(raw[:4], staking.abi.Errors["NotConnected"].ID.Bytes()[:4]) {
		return staking.UnpackNotConnectedError(raw[4:])
	}
	if bytes.Equal(raw[:4], staking.abi.Errors["NotRipe"].ID.Bytes()[:4]) {
		return staking.UnpackNotRipeError(raw[4:])
	}
	if bytes.Equal(raw[:4], staking.abi.Errors["NothingToWithdraw"].ID.Bytes()[:4]) {
		return staking.UnpackNothingToWithdrawError(raw[4:])
	}
	if bytes.Equal(raw[:4], staking.abi.Errors["OnlyBridge"].ID.Bytes()[:4]) {
		return staking.UnpackOnlyBridgeError(raw[4:])
	}
	if bytes.Equal(raw[:4], staking.abi.Errors["ReentrancyGuardReentrantCall"].ID.Bytes()[:4]) {
		return staking.UnpackReentrancyGuardReentrantCallError(raw[4:])
	}
	if bytes.Equal(raw[:4], staking.abi.Errors["SafeERC20FailedOperation"].ID.Bytes()[:4]) {
		return staking.UnpackSafeERC20FailedOperationError(raw[4:])
	}
	if bytes.Equal(raw[:4], staking.abi.Errors["TooManyRequests"].ID.Bytes()[:4]) {
		return staking.UnpackTooManyRequestsError(raw[4:])
	}
	return nil, errors.New("Unknown error")
}

// StakingBadAmount represents a BadAmount error raised by the Staking contract.
type StakingBadAmount struct {
	Amount *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error BadAmount(uint256 amount)
func StakingBadAmountErrorID() common.Hash {
	return common.HexToHash("0xb39be4d21b9beede5f322fec8bfffe756e47e7733fec5f40573598ea2c475ddc")
}

// UnpackBadAmountError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error BadAmount(uint256 amount)
func (staking *Staking) UnpackBadAmountError(raw []byte) (*StakingBadAmount, error) {
	out := new(StakingBadAmount)
	if err := staking.abi.UnpackIntoInterface(out, "BadAmount", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakingBadBridge represents a BadBridge error raised by the Staking contract.
type StakingBadBridge struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error BadBridge()
func StakingBadBridgeErrorID() common.Hash {
	return common.HexToHash("0x1bfdb79f565d7fa4bf945ef72aff038747d4d0e924f27ff5e14090db643e54f3")
}

// UnpackBadBridgeError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error BadBridge()
func (staking *Staking) UnpackBadBridgeError(raw []byte) (*StakingBadBridge, error) {
	out := new(StakingBadBridge)
	if err := staking.abi.UnpackIntoInterface(out, "BadBridge", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakingBadMinimum represents a BadMinimum error raised by the Staking contract.
type StakingBadMinimum struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error BadMinimum()
func StakingBadMinimumErrorID() common.Hash {
	return common.HexToHash("0x6e772475f6b73009660ff1dd76da45b0e4f6dd0ada45b7c7c174adee017d51cb")
}

// UnpackBadMinimumError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error BadMinimum()
func (staking *Staking) UnpackBadMinimumError(raw []byte) (*StakingBadMinimum, error) {
	out := new(StakingBadMinimum)
	if err := staking.abi.UnpackIntoInterface(out, "BadMinimum", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakingBadRecipient represents a BadRecipient error raised by the Staking contract.
type StakingBadRecipient struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error BadRecipient()
func StakingBadRecipientErrorID() common.Hash {
	return common.HexToHash("0x67a2cc26f08d48fe23887a2dc9ef6aad11816d32578024f4a106e08c02451210")
}

// UnpackBadRecipientError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error BadRecipient()
func (staking *Staking) UnpackBadRecipientError(raw []byte) (*StakingBadRecipient, error) {
	out := new(StakingBadRecipient)
	if err := staking.abi.UnpackIntoInterface(out, "BadRecipient", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakingBadToken represents a BadToken error raised by the Staking contract.
type StakingBadToken struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error BadToken()
func StakingBadTokenErrorID() common.Hash {
	return common.HexToHash("0x7401d93119647c66752f90f2e7ef9c36b42cdbb54d5d8633ba5dbf234f97f2ba")
}

// UnpackBadTokenError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error BadToken()
func (staking *Staking) UnpackBadTokenError(raw []byte) (*StakingBadToken, error) {
	out := new(StakingBadToken)
	if err := staking.abi.UnpackIntoInterface(out, "BadToken", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakingBadUnbonding represents a BadUnbonding error raised by the Staking contract.
type StakingBadUnbonding struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error BadUnbonding()
func StakingBadUnbondingErrorID() common.Hash {
	return common.HexToHash("0x97cebd5c43063d63a52e3391dcdf5d0c2f037c760dd5806ae125027d8d64ca97")
}

// UnpackBadUnbondingError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error BadUnbonding()
func (staking *Staking) UnpackBadUnbondingError(raw []byte) (*StakingBadUnbonding, error) {
	out := new(StakingBadUnbonding)
	if err := staking.abi.UnpackIntoInterface(out, "BadUnbonding", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakingBelowMinimum represents a BelowMinimum error raised by the Staking contract.
type StakingBelowMinimum struct {
	Left *big.Int
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error BelowMinimum(uint256 left)
func StakingBelowMinimumErrorID() common.Hash {
	return common.HexToHash("0x06b2f1c7d4804f83f5de09b90cdec11105a5bd69f3a2eaa55f43684fc34083a6")
}

// UnpackBelowMinimumError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error BelowMinimum(uint256 left)
func (staking *Staking) UnpackBelowMinimumError(raw []byte) (*StakingBelowMinimum, error) {
	out := new(StakingBelowMinimum)
	if err := staking.abi.UnpackIntoInterface(out, "BelowMinimum", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakingNotConnected represents a NotConnected error raised by the Staking contract.
type StakingNotConnected struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NotConnected()
func StakingNotConnectedErrorID() common.Hash {
	return common.HexToHash("0xfa51714cf177f07ca88910e50c315cab2665ffb85f3a3ee87ffa845435e71931")
}

// UnpackNotConnectedError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NotConnected()
func (staking *Staking) UnpackNotConnectedError(raw []byte) (*StakingNotConnected, error) {
	out := new(StakingNotConnected)
	if err := staking.abi.UnpackIntoInterface(out, "NotConnected", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakingNotRipe represents a NotRipe error raised by the Staking contract.
type StakingNotRipe struct {
	Ripe uint64
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NotRipe(uint64 ripe)
func StakingNotRipeErrorID() common.Hash {
	return common.HexToHash("0xc702ba763f0631f9ef883b65b812da0bf1686962bb0afbb970920ad61bc57d27")
}

// UnpackNotRipeError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NotRipe(uint64 ripe)
func (staking *Staking) UnpackNotRipeError(raw []byte) (*StakingNotRipe, error) {
	out := new(StakingNotRipe)
	if err := staking.abi.UnpackIntoInterface(out, "NotRipe", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakingNothingToWithdraw represents a NothingToWithdraw error raised by the Staking contract.
type StakingNothingToWithdraw struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error NothingToWithdraw()
func StakingNothingToWithdrawErrorID() common.Hash {
	return common.HexToHash("0xd0d04f60bf4f7629141a1f00f5d2908fa0f3e15bf4cbf8bb8edc6fcbdf2509fa")
}

// UnpackNothingToWithdrawError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error NothingToWithdraw()
func (staking *Staking) UnpackNothingToWithdrawError(raw []byte) (*StakingNothingToWithdraw, error) {
	out := new(StakingNothingToWithdraw)
	if err := staking.abi.UnpackIntoInterface(out, "NothingToWithdraw", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakingOnlyBridge represents a OnlyBridge error raised by the Staking contract.
type StakingOnlyBridge struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error OnlyBridge()
func StakingOnlyBridgeErrorID() common.Hash {
	return common.HexToHash("0x38da3b1543f018997bdf9590a8b61a27f032f3462d495554603cc6cd0d327475")
}

// UnpackOnlyBridgeError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error OnlyBridge()
func (staking *Staking) UnpackOnlyBridgeError(raw []byte) (*StakingOnlyBridge, error) {
	out := new(StakingOnlyBridge)
	if err := staking.abi.UnpackIntoInterface(out, "OnlyBridge", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakingReentrancyGuardReentrantCall represents a ReentrancyGuardReentrantCall error raised by the Staking contract.
type StakingReentrancyGuardReentrantCall struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error ReentrancyGuardReentrantCall()
func StakingReentrancyGuardReentrantCallErrorID() common.Hash {
	return common.HexToHash("0x3ee5aeb571de7fc460830b4d0017439a1ca56fb0bc39062227ade4fe4a24c1ca")
}

// UnpackReentrancyGuardReentrantCallError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error ReentrancyGuardReentrantCall()
func (staking *Staking) UnpackReentrancyGuardReentrantCallError(raw []byte) (*StakingReentrancyGuardReentrantCall, error) {
	out := new(StakingReentrancyGuardReentrantCall)
	if err := staking.abi.UnpackIntoInterface(out, "ReentrancyGuardReentrantCall", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakingSafeERC20FailedOperation represents a SafeERC20FailedOperation error raised by the Staking contract.
type StakingSafeERC20FailedOperation struct {
	Token common.Address
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error SafeERC20FailedOperation(address token)
func StakingSafeERC20FailedOperationErrorID() common.Hash {
	return common.HexToHash("0x5274afe73c98b4749fc91ffae6b7b574e7842cb2144a159e9377a5f20b32edf9")
}

// UnpackSafeERC20FailedOperationError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error SafeERC20FailedOperation(address token)
func (staking *Staking) UnpackSafeERC20FailedOperationError(raw []byte) (*StakingSafeERC20FailedOperation, error) {
	out := new(StakingSafeERC20FailedOperation)
	if err := staking.abi.UnpackIntoInterface(out, "SafeERC20FailedOperation", raw); err != nil {
		return nil, err
	}
	return out, nil
}

// StakingTooManyRequests represents a TooManyRequests error raised by the Staking contract.
type StakingTooManyRequests struct {
}

// ErrorID returns the hash of canonical representation of the error's signature.
//
// Solidity: error TooManyRequests()
func StakingTooManyRequestsErrorID() common.Hash {
	return common.HexToHash("0x056d63471330a57f6c0d5cc835e9e9c3948af33484f6a6e592a2e3b11a42f713")
}

// UnpackTooManyRequestsError is the Go binding used to decode the provided
// error data into the corresponding Go error struct.
//
// Solidity: error TooManyRequests()
func (staking *Staking) UnpackTooManyRequestsError(raw []byte) (*StakingTooManyRequests, error) {
	out := new(StakingTooManyRequests)
	if err := staking.abi.UnpackIntoInterface(out, "TooManyRequests", raw); err != nil {
		return nil, err
	}
	return out, nil
}
