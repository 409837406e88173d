import FanfareCore
import FanfareTestKit
import NIOCore
import Synchronization
import Testing

@testable import FanfareServer

@Suite("Admin server")
struct AdminServerTests {
    @Test("a scrape has Prometheus' content type and the node's metrics")
    func metrics() async throws {
        let metrics = NodeMetrics(loops: 2)
        metrics.loops[1].counters.add(.connections, 7)
        try await withAdminPort(.forTest(metrics: metrics)) { admin in
            let answer = try await admin.request("GET", "/metrics")
            #expect(answer.status == 200)
            #expect(answer["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(answer.body.contains("\nfanfare_connections 7\n"))
        }
    }

    @Test("a node that lives says so also when it is not ready")
    func health() async throws {
        try await withAdminPort(.forTest(node: "node-7", isDraining: true)) { admin in
            let answer = try await admin.request("GET", "/healthz")
            #expect(answer.status == 200)
            #expect(answer["content-type"] == "application/json")
            #expect(answer.body == #"{"status":"ok","node":"node-7"}"#)
        }
    }

    @Test("readiness is a 200, or a 503 with the problems")
    func readiness() async throws {
        try await withAdminPort(.forTest()) { admin in
            let answer = try await admin.request("GET", "/readyz")
            #expect(answer.status == 200)
            #expect(answer.body == #"{"ready":true,"node":"n1","problems":[]}"#)
        }
        let broker = ScriptedBroker(status: BrokerStatus(isUp: false, problem: "redis subscribe link: \"refused\""))
        try await withAdminPort(.forTest(broker: broker, isDraining: true)) { admin in
            let answer = try await admin.request("GET", "/readyz")
            #expect(answer.status == 503)
            #expect(
                answer.body
                    == #"{"ready":false,"node":"n1","problems":["draining","redis subscribe link: \"refused\""]}"#
            )
        }
    }

    @Test("HEAD is answered as GET, without the body", arguments: ["/metrics", "/healthz", "/readyz"])
    func head(path: String) async throws {
        try await withAdminPort(.forTest()) { admin in
            let client = try await SocketClient.connect(admin.port)
            try await client.send("HEAD \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            try await eventually("the end of the answer") { client.isClosed }
            let bytes = try await client.receive("an answer") { bytes in bytes.readString(length: bytes.readableBytes) }
            let text = try #require(bytes)
            #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(text.hasSuffix("\r\n\r\n"))
            #expect(text.lowercased().contains("fanfare-node: n1\r\n"))
        }
    }

    @Test(
        "every answer names the node, errors too",
        arguments: [
            ("GET", "/healthz", 200), ("GET", "/metrics", 200), ("GET", "/nowhere", 404), ("DELETE", "/metrics", 405),
            ("POST", "/api/publish", 400), ("GET", "/api/publish", 405),
        ]
    )
    func names(method: String, path: String, status: Int) async throws {
        try await withAdminPort(.forTest(node: "node-7")) { admin in
            let answer = try await admin.request(method, path)
            #expect(answer.status == status)
            #expect(answer["fanfare-node"] == "node-7")
        }
    }

    @Test(
        "a path that does not exist is a 404 in JSON",
        arguments: ["/", "/api", "/metrics/x", "/readyz?x=%zz/", "/%00"]
    )
    func notFound(path: String) async throws {
        try await withAdminPort(.forTest()) { admin in
            let answer = try await admin.request("GET", path)
            let isKnown = path.hasPrefix("/readyz?")
            #expect(answer.status == (isKnown ? 200 : 404))
            #expect(answer["content-type"] == "application/json")
            #expect(isKnown || answer.body == #"{"error":{"code":107,"message":"no such path"}}"#)
        }
    }

    @Test(
        "a method that a path does not take is a 405 with those that it takes",
        arguments: [
            ("POST", "/metrics", "GET, HEAD"), ("PUT", "/healthz", "GET, HEAD"), ("OPTIONS", "/readyz", "GET, HEAD"),
            ("GET", "/api/publish", "POST"), ("DELETE", "/api/broadcast", "POST"), ("PATCH", "/metrics/", "GET, HEAD"),
        ]
    )
    func wrongMethod(method: String, path: String, allow: String) async throws {
        try await withAdminPort(.forTest()) { admin in
            let answer = try await admin.request(method, path)
            #expect(answer.status == 405)
            #expect(answer["allow"] == allow)
            #expect(answer.body == #"{"error":{"code":107,"message":"this path takes \#(allow)"}}"#)
        }
    }

    @Test("one connection takes several requests, also after an error")
    func keepAlive() async throws {
        try await withAdminPort(.forTest()) { admin in
            let client = try await SocketClient.connect(admin.port)
            for (path, status) in [("/nowhere", 404), ("/healthz", 200), ("/readyz", 200)] {
                try await client.send("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
                let answer = try await client.receive("an answer") { HTTPAnswer.parse(&$0) }
                #expect(answer?.status == status)
            }
            await client.close()
        }
    }

    @Test("a shutdown does not wait for a connection that asks for nothing")
    func idleConnection() async throws {
        let admin = try await AdminPort.start(.forTest(), shutdownGrace: .seconds(3_600))
        let client = try await SocketClient.connect(admin.port)
        try await client.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        let answer = try await client.receive("an answer") { HTTPAnswer.parse(&$0) }
        #expect(answer?.status == 200)
        try await end(of: admin)
        try await eventually("the end of the connection") { client.isClosed }
        await #expect(throws: (any Error).self) { try await SocketClient.connect(admin.port) }
    }

    @Test("a shutdown waits for a request whose body does not come, but not for ever")
    func stalledRequest() async throws {
        let admin = try await AdminPort.start(.forTest())
        let client = try await SocketClient.connect(admin.port)
        try await client.send(
            "POST /api/publish HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
        // A whole request on a second connection: by then the server has seen the first.
        _ = try await admin.request("GET", "/healthz")
        try await end(of: admin)
        try await eventually("the end of the connection") { client.isClosed }
    }

    /// Shuts down and waits; a server that does not end fails the test, but does not hold it up.
    private func end(of admin: AdminPort) async throws {
        let isOver = Flag()
        Task {
            await admin.stop()
            isOver.set()
        }
        try await eventually("the end of the server") { isOver.isSet }
    }
}

/// Set once, read from anywhere.
private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
}
