import Foundation
import Support
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
    private func run(_ cases: [String], report: String, parallel: Int = 1) async throws -> [String: Verdict] {
        let tool = Repository.path + "/.venv/bin/kosoku"
        try #require(FileManager.default.isExecutableFile(atPath: tool), "run Deploy/install test")
        let folder = Repository.path + "/.autobahn/" + report
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // A ping of ours would come between what a case expects.
        let flags = [
            "--ping-interval", "off", "--max-message-bytes", "32MiB", "--max-queue-bytes", "64MiB",
            "--max-fragments", "100000",
        ]
        let node = try await Node.start("echo", command: "echo", flags: flags)
        do {
            let suite = try ChildProcess(
                tool, cases.flatMap { ["-i", $0] } + ["-p", "\(parallel)", "-o", folder, "127.0.0.1:\(node.port)"],
                name: "kosoku")
            try await suite.waitForExit(within: .seconds(1_800))
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
