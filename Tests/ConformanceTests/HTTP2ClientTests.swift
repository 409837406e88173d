import FanfareTestKit
import Testing

@Suite("Third-party clients of HTTP/2")
struct HTTP2ClientTests {
    @Test("httpx: ninety event streams and publishes on one connection over TLS")
    func httpx() async throws {
        let authority = try TestAuthority()
        let pair = try authority.issue("node")
        // httpx reads on when something comes: without pings it may wait for itself.
        try await withNode(flags: pair.flags + ["--ping-interval", "5s", "--pong-timeout", "4s"]) { node in
            let log = try await run(
                "http2_check.py", "https://localhost:\(node.port)", authority.caFile, within: .seconds(240))
            #expect(log.contains("all heard in order"), "\(log)")
        }
    }
}
