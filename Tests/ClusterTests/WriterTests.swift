import FanfareTestKit
import Foundation
import Testing

/// However the writes to a client interleave, at once, in part or late, its byte stream is the same.
@Suite("Cluster: writers", .serialized)
struct WriterTests {
    struct Setup: CustomTestStringConvertible {
        let loops: Int
        let directWrite: Bool
        let seed: UInt64
        var testDescription: String { "\(loops) loops, direct writes \(directWrite), FANFARE_TEST_SEED=\(seed)" }
    }

    /// Two seeds of chance for each kind of node, or the one that a failure showed.
    static let setups: [Setup] = {
        let given = ProcessInfo.processInfo.environment["FANFARE_TEST_SEED"].flatMap { UInt64($0) }
        return [1, 2].flatMap { loops in
            [true, false].flatMap { directWrite in
                (given.map { [$0] } ?? (0..<2).map { _ in UInt64.random(in: 0..<1_000_000) }).map {
                    Setup(loops: loops, directWrite: directWrite, seed: $0)
                }
            }
        }
    }()

    @Test("any interleaving of fast and slow writes gives the same byte stream", arguments: setups)
    func interleaving(_ setup: Setup) async throws {
        let flags = [
            "--max-control-frames", "100000", "--max-message-rate", "0", "--max-byte-rate", "0",
            "--max-publish-rate", "0", "--max-subscribe-rate", "0",
            "--loops", "\(setup.loops)", "--direct-write", "\(setup.directWrite)", "--ping-interval", "off",
            "--max-queue-bytes", "64MiB", "--max-message-bytes", "1MiB", "--handshake-timeout", "5m", "--slow-timeout",
            "10m", "--message-timeout", "10m", "--first-command-timeout", "5m",
        ]
        try await withNode(flags: flags) { node in
            var run = try WriterRun(port: node.port, seed: setup.seed)
            do {
                try await run.open()
                try await run.publish()
                try await eventually("somebody is slow") { try await node.metric("fanfare_queue_bytes") > 0 }
                try await run.finish()
            } catch {
                Issue.record("\(setup.testDescription): \(error)")
                return
            }
            try await eventually("nothing waits any more") { try await node.metric("fanfare_queue_bytes") == 0 }
            #expect(try await node.metric(#"fanfare_disconnects_total{code="3008"}"#) == 0)
        }
    }
}
