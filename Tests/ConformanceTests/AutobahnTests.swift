import FanfareTestKit
import Foundation
import Testing

/// Autobahn's cases, driven by PyPI's `kosoku` against `fanfare echo`: RFC 6455 and RFC 7692 as others read them.
@Suite("Autobahn", .serialized)
struct AutobahnTests {
    /// These have no right answer: a server may do either, and Autobahn only notes which.
    private static let informational: Set = ["7.1.6", "7.13.1", "7.13.2"]

    @Test("framing, pings, reserved bits, opcodes, fragments, UTF-8, closing: sections 1 to 7 and 10")
    func protocolCases() async throws {
        let verdicts = try await run(["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"], report: "protocol")
        #expect(verdicts.count == 247)
        check(verdicts)
    }

    @Test("messages of 16 MB, whole and in fragments of 64 bytes: section 9")
    func sizes() async throws {
        let verdicts = try await run(["9.*"], report: "sizes")
        #expect(verdicts.count == 54)
        check(verdicts)
    }

    /// A few of each data set and of each combination of context and window; `make autobahn` runs all 216.
    private static let compressionSelection = [
        "12.1.1", "12.1.5", "12.2.11", "12.3.8", "12.4.13", "12.5.3", "13.1.1", "13.2.2", "13.3.4", "13.4.4", "13.5.1",
        "13.6.3", "13.7.2",
    ]

    @Test("permessage-deflate: some of sections 12 and 13", arguments: [false, true])
    func compression(clientContext: Bool) async throws {
        let verdicts = try await run(
            Self.compressionSelection, report: "compression-\(clientContext)", parallel: 2,
            flags: deflate(clientContext))
        #expect(verdicts.count == Self.compressionSelection.count)
        check(verdicts)
    }

    @Test(
        "permessage-deflate: sections 12 and 13",
        .enabled(if: ProcessInfo.processInfo.environment["AUTOBAHN"] == "all"),
        arguments: [false, true])
    func compressionInFull(clientContext: Bool) async throws {
        let verdicts = try await run(
            ["12.*", "13.*"], report: "compression-full-\(clientContext)", parallel: 2, flags: deflate(clientContext))
        #expect(verdicts.count == 216)
        check(verdicts)
    }

    /// Everything is compressed, also what gets no smaller: the runner trips over a text that comes back uncompressed
    /// ("Strings must be encoded before hashing"), whatever the server.
    private func deflate(_ clientContext: Bool) -> [String] {
        ["--compression", "on", "--compression-threshold", "0", "--compression-client-context", "\(clientContext)"]
    }

    private func check(_ verdicts: [String: Verdict]) {
        for (name, verdict) in verdicts {
            // NON-STRICT is not OK either: whatever could be strict is.
            let wanted = Self.informational.contains(name) ? "INFORMATIONAL" : "OK"
            #expect(verdict == Verdict(behavior: wanted, behaviorClose: wanted), "case \(name)")
        }
    }

    /// Runs cases and reads the verdicts.
    ///
    /// - Parameters:
    ///   - cases: numbers, or patterns of them.
    ///   - report: name of the folder that is kept in `.autobahn`.
    private func run(
        _ cases: [String], report: String, parallel: Int = 1, flags: [String] = []
    ) async throws -> [String: Verdict] {
        let tool = Repository.path + "/.venv/bin/kosoku"
        try #require(FileManager.default.isExecutableFile(atPath: tool), "run Deploy/install test")
        let folder = Repository.path + "/.autobahn/" + report
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // A ping of ours would come between what a case expects.
        let usual = [
            "--ping-interval", "off", "--max-message-bytes", "32MiB", "--max-queue-bytes", "64MiB",
            "--max-fragments", "100000",
        ]
        let node = try await Node.start("echo", command: "echo", flags: usual + flags)
        do {
            let suite = try ChildProcess(
                tool, cases.flatMap { ["-i", $0] } + ["-p", "\(parallel)", "-o", folder, "127.0.0.1:\(node.port)"],
                name: "kosoku")
            try await suite.waitForExit(within: .seconds(3_600))
            await node.stop()
            let index = try Data(contentsOf: URL(fileURLWithPath: folder + "/index.json"))
            return try JSONDecoder().decode([String: [String: Verdict]].self, from: index).values.first ?? [:]
        } catch {
            await node.stop()
            throw error
        }
    }

    /// What the suite says of a case, and of how its connection was closed.
    private struct Verdict: Decodable, Equatable {
        let behavior: String
        let behaviorClose: String
    }
}
