import FanfareAuth
import FanfareCore
import FanfareTestKit
import Foundation
import Logging
import NIOCore
import Synchronization
import Testing

@testable import FanfareServer

/// A real node whose wall clock a test sets, as an operator or a broken time server does.
@Suite("Node: the clock is set")
struct ClockJumpTests {
    private static let secret = "a secret of this test alone, never used elsewhere"

    /// The machine's clock, and by how much it was set.
    private final class WallClock: Sendable {
        private let change = Mutex<Int64>(0)

        func set(by seconds: Int64) { change.withLock { $0 += seconds * 1_000_000 } }

        var clock: NodeClock {
            let system = NodeClock.system
            return NodeClock(
                wallMicroseconds: { UInt64(Int64(system.wallMicroseconds()) + self.change.withLock { $0 }) },
                monotonicMicroseconds: system.monotonicMicroseconds)
        }
    }

    private func withNode(_ body: (FanfareNode, WallClock) async throws -> Void) async throws {
        var configuration = NodeConfiguration()
        (configuration.host, configuration.port) = ("127.0.0.1", FreePort.take())
        (configuration.adminHost, configuration.adminPort) = ("127.0.0.1", FreePort.take())
        (configuration.loops, configuration.drain) = (2, .milliseconds(100))
        configuration.tokens.secrets = [Secret(Self.secret)]
        configuration.limits.expiredGrace = .zero
        // Who is not read while another is looked at answers no pings.
        configuration.keepAlive.pingInterval = nil
        let wall = WallClock()
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let node = try await FanfareNode.start(configuration: configuration, clock: wall.clock, logger: logger)
        do {
            try await body(node, wall)
        } catch {
            await node.drain()
            throw error
        }
        await node.drain()
    }

    private func token(_ claims: String) async throws -> String {
        try TokenSigner.sign(claims: ByteBuffer(string: claims), with: await .secret(Self.secret, .hs256))
    }

    private func raw(_ node: FanfareNode, _ token: String) async throws -> WebSocketClient {
        try await WebSocketClient.connect(node.port, "/channels/a/ws", headers: ["Authorization": "Bearer \(token)"])
    }

    private func exp(in seconds: Int) -> Int { Int(Date().timeIntervalSince1970) + seconds }

    @Test("set back two hours it gives a token of eight seconds no more than these")
    func back() async throws {
        try await withNode { node, wall in
            // Long enough for a busy machine to connect two clients with it.
            let short = try await token(#"{"sub":"1","exp":\#(exp(in: 8))}"#)
            let client = try await raw(node, short)
            let session = try await CentrifugeClient.open(node.port)
            let welcome = try await session.command(#""connect":{"token":"\#(short)"}"#)
            #expect(welcome.errorCode == nil, "\(welcome.text)")
            wall.set(by: -7_200)
            let code = try await client.closeCode()
            #expect(code == 3005)
            let other = try await session.socket.closeCode()
            #expect(other == 3005)
        }
    }

    @Test("set forward it ends what has expired by it now, and nothing else")
    func forward() async throws {
        try await withNode { node, wall in
            let hour = try await raw(node, try await token(#"{"sub":"1","exp":\#(exp(in: 5_400))}"#))
            let day = try await raw(node, try await token(#"{"sub":"2","exp":\#(exp(in: 86_400))}"#))
            let never = try await raw(node, try await token(#"{"sub":"3"}"#))
            let session = try await CentrifugeClient.open(node.port)
            _ = try await session.command(#""connect":{"token":"\#(try await token(#"{"sub":"4"}"#))"}"#)
            let own = try await token(#"{"sub":"4","channel":"$x","exp":\#(exp(in: 5_400))}"#)
            let reply = try await session.command(#""subscribe":{"channel":"$x","token":"\#(own)"}"#)
            #expect(reply.errorCode == nil, "\(reply.text)")
            wall.set(by: 7_200)
            let code = try await hour.closeCode()
            #expect(code == 3005)
            let push = try await session.read()
            #expect(push.text.contains(#""unsubscribe":{"code":2501"#), "\(push.text)")
            try await HTTP.publish(node.adminPort, "a", "1")
            for client in [day, never] {
                #expect(try await client.nextText() == "1")
                await client.close()
            }
            await session.close()
        }
    }
}

extension HTTP {
    /// Publishes over the server API.
    fileprivate static func publish(_ port: Int, _ channel: String, _ data: String) async throws {
        _ = try await post(port, "/api/publish", #"{"channel":"\#(channel)","data":\#(data)}"#)
    }
}
