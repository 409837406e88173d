import FanfareTestKit
import Foundation
import Testing

@Suite("Cluster: slow consumers")
struct SlowConsumerTests {
    @Test("a client that takes nothing for too long is cut with 3008, however little waits for it")
    func age() async throws {
        try await withNode(flags: ["--slow-timeout", "6s", "--max-queue-bytes", "16MiB", "--ping-interval", "off"]) {
            node in
            let slow = try await node.raw("flood", receiveBuffer: 4_096)
            let other = try await node.raw("flood")
            try await slow.socket.pauseReading()
            // Less than the queue holds, and than the kernel would take on loopback if it were not told otherwise.
            let text = String(repeating: "x", count: 60_000)
            for _ in 0..<20 { try await node.publish("flood", "\"\(text)\"") }
            for _ in 0..<20 { #expect(try await other.nextText().count == text.count + 2) }
            try await eventually("the slow one is cut") {
                try await node.metric(#"fanfare_disconnects_total{code="3008"}"#) == 1
            }
            let connections = try await node.metric("fanfare_connections")
            #expect(connections == 1)
            for client in [slow, other] { await client.close() }
        }
    }

    @Test("where only the newest counts, a client that is behind skips what is older and is not cut")
    func newest() async throws {
        let flags = [
            "--namespaces", "price: queue=newest", "--max-queue-bytes", "200KiB", "--ping-interval", "off",
            "--slow-timeout", "10m",
        ]
        try await withNode(flags: flags) { node in
            let slow = try await node.raw("price:x", receiveBuffer: 4_096)
            let other = try await node.raw("price:x")
            try await slow.socket.pauseReading()
            let text = String(repeating: "x", count: 60_000)
            for number in 0..<200 { try await node.publish("price:x", "\"\(number) \(text)\"") }
            for number in 0..<200 { #expect(try await other.nextText().hasPrefix("\"\(number) ")) }
            let skipped = try await node.metric("fanfare_skipped_total")
            #expect(skipped > 0)
            try await slow.socket.resumeReading()
            var numbers: [Int] = []
            repeat {
                let text = try await slow.nextText()
                numbers.append(Int(text.dropFirst().prefix { $0 != " " }) ?? -1)
            } while numbers.last != 199
            #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count)
            #expect(numbers.count + Int(skipped) == 200)
            for client in [slow, other] { await client.close() }
        }
    }

    @Test("more clients at once than the rate allows get 503 with Retry-After, and soon a place")
    func connectRate() async throws {
        try await withNode(flags: ["--max-connect-rate", "2"]) { node in
            let neighbour = try await node.raw("n")
            var clients: [WebSocketClient] = []
            var refusals = 0
            await withTaskGroup(of: Result<WebSocketClient, any Error>.self) { group in
                for _ in 0..<40 { group.addTask { await Result { try await node.raw("a") } } }
                for await result in group {
                    switch result {
                    case .success(let client): clients.append(client)
                    case .failure(let error):
                        refusals += 1
                        let answer = (error as? WebSocketClient.Refused)?.answer
                        #expect(answer?.status == 503 && answer?["retry-after"] != nil, "\(error)")
                    }
                }
            }
            #expect(clients.count >= 1 && refusals > 0)
            try await neighbour.send("on")
            #expect(try await neighbour.nextText() == "on")
            let counted = try await node.metric(#"fanfare_connections_refused_total{reason="connect_rate"}"#)
            #expect(counted == Double(refusals))
            try await eventually("there is a place again") {
                guard let client = try? await node.raw("a") else { return false }
                await client.close()
                return true
            }
            for client in clients { await client.close() }
        }
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
