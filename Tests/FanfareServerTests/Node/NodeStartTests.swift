import FanfareRedis
import FanfareTestKit
import FanfareWire
import NIOCore
import NIOPosix
import Testing

@testable import FanfareServer

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

@Suite("Starting a node")
struct NodeStartTests {
    @Test(
        "a system's error is told in words, without functions and numbers",
        arguments: [
            (ECONNREFUSED, "connection refused"), (ECONNRESET, "connection reset"), (EPIPE, "connection reset"),
            (ETIMEDOUT, "no answer in time"), (EADDRINUSE, "address already in use"),
            (EADDRNOTAVAIL, "this machine does not have that address"), (EACCES, "not permitted"),
            (EMFILE, "too many open files"), (EHOSTUNREACH, "no route to it"), (ENOENT, "no such file"),
            (ENOTDIR, "Not a directory"),
        ] as [(CInt, String)])
    func errors(code: CInt, words: String) {
        let error = IOError(errnoCode: code, reason: "bind(descriptor:ptr:bytes:)")
        #expect(NetworkFailure.describe(error) == words)
    }

    @Test("what NIO says about channels and names is told in words, too")
    func channels() {
        let timeout = ChannelError.connectTimeout(.milliseconds(1_500))
        #expect(NetworkFailure.describe(timeout) == "no answer within 1500 ms")
        #expect(NetworkFailure.describe(ChannelError.eof) == "connection closed")
        #expect(NetworkFailure.describe(SocketAddressError.unsupported) == "no valid address")
    }

    @Test("a real failure to connect has no type, target or descriptor in it")
    func connecting() async throws {
        let port = FreePort.take()
        for host in ["127.0.0.1", "localhost"] {
            do {
                _ = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .connect(host: host, port: port).get()
                Issue.record("somebody listens on \(port)")
            } catch {
                #expect(NetworkFailure.describe(error) == "connection refused", "\(error)")
            }
        }
    }

    @Test(
        "a port that can't be bound is told with its address, the reason, and what to do",
        arguments: [
            (EADDRINUSE, "address already in use; end what listens there, or choose another with"),
            (EADDRNOTAVAIL, "this machine does not have that address; choose one that it has with"),
            (EACCES, "not permitted; ports below 1024 need CAP_NET_BIND_SERVICE: give it to the process, or choose"),
        ] as [(CInt, String)])
    func binding(code: CInt, words: String) {
        let error = IOError(errnoCode: code, reason: "bind(descriptor:ptr:bytes:)")
        let onPublic = "\(NodeStartError.bind(.public, host: "::", port: 80, error))"
        #expect(onPublic.hasPrefix("cannot listen on the public port [::]:80: \(words)"), "\(onPublic)")
        #expect(onPublic.contains(code == EADDRNOTAVAIL ? "--host" : "--port"))
        let onAdmin = "\(NodeStartError.bind(.admin, host: "127.0.0.1", port: 9_000, error))"
        #expect(onAdmin.hasPrefix("cannot listen on the admin port 127.0.0.1:9000: \(words)"), "\(onAdmin)")
        #expect(onAdmin.contains(code == EADDRNOTAVAIL ? "--admin-host" : "--admin-port"))
        #expect(!onAdmin.contains("errno") && !onAdmin.contains("descriptor"))
    }

    @Test("host and port of a URL: IPv6 in brackets, once")
    func authorities() {
        let texts = ["127.0.0.1", "::1", "localhost", "[::1]", "fe80::1"].map { Authority.text(host: $0, port: 80) }
        #expect(texts == ["127.0.0.1:80", "[::1]:80", "localhost:80", "[::1]:80", "[fe80::1]:80"])
    }

    @Test("the log has one line for each change of readiness, and none for a drain")
    func readiness() {
        var log = ReadinessLog()
        #expect(log.note(["redis"], isDraining: false) == nil)
        #expect(log.note(["redis", "keys"], isDraining: false) == nil)
        #expect(log.note([], isDraining: false) == .ready)
        #expect(log.note([], isDraining: false) == nil)
        #expect(log.note(["redis", "keys"], isDraining: false) == .notReady("redis; keys"))
        #expect(log.note(["redis"], isDraining: false) == nil)
        #expect(log.note([], isDraining: false) == .ready)
        #expect(log.note(["draining"], isDraining: true) == nil)
    }
}
