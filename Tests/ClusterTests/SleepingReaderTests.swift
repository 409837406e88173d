import FanfareTestKit
import NIOCore
import Testing

/// A node whose backends ask for histories and take nothing of them.
@Suite("Cluster: backends that take nothing", .serialized)
struct SleepingReaderTests {
    @Test(
        "eight readers that sleep, and a hundred that come behind them, cost a bounded amount; ten seconds later reads go on"
    )
    func bounded() async throws {
        try await withNode(flags: ["--namespaces", "h: history=100/1h"]) { node in
            let text = String(repeating: "x", count: 40_000)
            for _ in 0..<100 { #expect(try await node.publish("h:a", "\"\(text)\"").status == 200) }
            let body = #"{"channel":"h:a","limit":-1}"#
            let one = try await HTTP.post(node.adminPort, "/api/history", body)
            #expect(one.status == 200 && one.body.utf8.count > 4_000_000)
            let before = try await node.metric("process_resident_memory_bytes")
            let request = "POST /api/history HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            var sleepers: [PlainSocket] = []
            for number in 0..<108 {
                let socket = try PlainSocket(node.adminPort, receiveBuffer: 4_096, segment: 536)
                socket.send(ByteBuffer(string: request + "Content-Length: \(body.utf8.count)\r\n\r\n" + body))
                try await eventually("request \(number) is sent") { socket.push() == 0 && socket.unsentBytes == 0 }
                sleepers.append(socket)
            }
            // Eight answers of 4 MB as the broker has them and as text, and what is on its way. All 108 would be 400 MB at least.
            var peak = before
            try await eventually("each is refused or cut") {
                peak = max(peak, try await node.metric("process_resident_memory_bytes"))
                let refused = try await node.metric("fanfare_api_errors_total")
                return refused + (try await node.metric("fanfare_admin_slow_readers_total")) == 108
            }
            #expect(peak - before < 200_000_000, "\(peak - before)")
            #expect(try await node.metric("fanfare_admin_slow_readers_total") >= 8)
            try await eventually("reads go on") {
                try await HTTP.post(node.adminPort, "/api/history", body).status == 200
            }
            // Most of them: places are free again after ten seconds, and a slow machine may need longer to send all requests.
            var refused = 0
            for socket in sleepers {
                PlainSocket.wait(for: [socket], milliseconds: 10)
                socket.pull(upTo: 100_000)
                if HTTPAnswer.parse(&socket.input)?.status == 503 { refused += 1 }
            }
            #expect(refused >= 50 && node.log.contains("took nothing of its answer"))
            for socket in sleepers { socket.reset() }
        }
    }
}
