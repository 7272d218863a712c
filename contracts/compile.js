// Compiles src/ with the pinned compiler and writes one artifact for each of our contracts.
// The output depends on the sources and package-lock.json only: source names are relative, and
// nothing of the machine or the clock goes in.
"use strict";
const fs = require("fs");
const path = require("path");
const solc = require("solc");

const root = __dirname;
const out = path.join(root, "artifacts");

const settings = {
  evmVersion: "cancun", // transient storage, and nothing that chains behind Ethereum lack
  viaIR: true,
  optimizer: { enabled: true, runs: 10000 },
  outputSelection: {
    "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "storageLayout"] },
  },
};

function sourcesUnder(dir) {
  return fs
    .readdirSync(path.join(root, dir), { withFileTypes: true })
    .flatMap((e) => {
      const name = `${dir}/${e.name}`;
      return e.isDirectory() ? sourcesUnder(name) : name.endsWith(".sol") ? [name] : [];
    })
    .sort();
}

function compile() {
  const names = sourcesUnder("src");
  const sources = Object.fromEntries(
    names.map((n) => [n, { content: fs.readFileSync(path.join(root, n), "utf8") }]),
  );
  const find = (name) => {
    try {
      return { contents: fs.readFileSync(path.join(root, "node_modules", name), "utf8") };
    } catch (err) {
      return { error: err.message };
    }
  };
  const input = JSON.stringify({ language: "Solidity", sources, settings });
  const output = JSON.parse(solc.compile(input, { import: find }));
  const ours = (c) => c.severity === "error" || !(c.sourceLocation || {}).file?.startsWith("@");
  const complaints = (output.errors || []).filter(ours);
  for (const c of complaints) console.error(c.formattedMessage);
  // Warnings are errors: a warning that stays is one that nobody reads.
  if (complaints.some((c) => c.severity !== "info")) process.exit(1);
  return names.map((n) => output.contracts[n] || {});
}

// The layout's type identifiers carry numbers of the syntax tree, which change with every edit.
const plain = (type) => type.replace(/\)\d+_?/g, ")");

function artifact(name, c) {
  return {
    contract: name,
    abi: c.abi,
    bytecode: "0x" + c.evm.bytecode.object,
    deployedBytecode: "0x" + c.evm.deployedBytecode.object,
    storageLayout: c.storageLayout.storage.map((s) => ({
      label: s.label,
      slot: Number(s.slot),
      offset: s.offset,
      type: plain(s.type),
    })),
  };
}

fs.rmSync(out, { recursive: true, force: true });
fs.mkdirSync(out);
for (const contracts of compile()) {
  for (const [name, c] of Object.entries(contracts)) {
    // Interfaces, abstract contracts and libraries of internal functions cannot be deployed.
    if (c.evm.bytecode.object === "" || c.abi.length === 0) continue;
    const size = c.evm.deployedBytecode.object.length / 2;
    if (size > 24576) {
      console.error(`${name}: ${size} bytes, EIP-170 allows 24576`);
      process.exit(1);
    }
    fs.writeFileSync(path.join(out, `${name}.json`), JSON.stringify(artifact(name, c), null, 1) + "\n");
    console.log(`${name}: ${size} bytes`);
  }
}
