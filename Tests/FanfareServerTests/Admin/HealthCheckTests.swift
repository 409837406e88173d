import FanfareCore
import FanfareTestKit
import NIOCore
import Testing

@testable import FanfareServer

@Suite("Health check")
struct HealthCheckTests {
    @Test("a node that lives is good, one that drains is not ready")
    func living() async throws {
        try await withAdminPort(.forTest(isDraining: true)) { admin in
            let health = await HealthCheck.ask(host: "127.0.0.1", port: admin.port, path: "/healthz")
            #expect(health.isGood)
            #expect(health.text == #"200 {"status":"ok","node":"n1"}"#)
            let ready = await HealthCheck.ask(host: "127.0.0.1", port: admin.port, path: "/readyz")
            #expect(!ready.isGood)
            #expect(ready.text.contains("draining"))
        }
    }

    @Test(
        "the node is asked where it listens, also over IPv6 and when it listens everywhere",
        .enabled(if: IPv6.hasLoopback), arguments: [("::1", "::1"), ("::", "::"), ("0.0.0.0", "0.0.0.0")])
    func configured(bound: String, asked: String) async throws {
        let admin = try await AdminPort.start(.forTest(), host: bound)
        let health = await HealthCheck.ask(host: asked, port: admin.port, path: "/healthz")
        await admin.stop()
        #expect(health.isGood, "\(health.text)")
    }

    @Test("all addresses of a family stand for its loopback, everything else for itself")
    func target() {
        let hosts = ["0.0.0.0", "::", "0:0:0:0:0:0:0:0", "::1", "10.0.0.1", "localhost", "::2"]
        let targets = hosts.map(HealthCheck.target)
        #expect(targets == ["127.0.0.1", "::1", "::1", "::1", "10.0.0.1", "localhost", "::2"])
    }

    @Test("a server that ends the connection without an answer is bad news in plain words")
    func mute() async throws {
        final class Closer: ChannelInboundHandler {
            typealias InboundIn = ByteBuffer
            func channelActive(context: ChannelHandlerContext) { context.close(promise: nil) }
        }
        let answer = try await withLocalServer(handler: { Closer() }) { port in
            await HealthCheck.ask(host: "127.0.0.1", port: port, path: "/healthz")
        }
        let reasons = ["connection closed", "connection reset"]
        #expect(!answer.isGood && reasons.contains { answer.text.hasSuffix("/healthz: \($0)") }, "\(answer.text)")
    }

    @Test("a port where nobody listens is bad news in plain words, not a crash")
    func nobody() async {
        let port = FreePort.take()
        for (host, shown) in [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")] where IPv6.hasLoopback || host != "::1" {
            let answer = await HealthCheck.ask(host: host, port: port, path: "/healthz")
            #expect(!answer.isGood)
            #expect(answer.text == "no answer from http://\(shown):\(port)/healthz: connection refused")
        }
    }
}
