import FanfareWire
import Testing

@testable import FanfareServer

@Suite("Routes")
struct RouteTests {
    private func route(_ target: String, _ method: String = "GET") -> Route {
        Route(method: method, target: target, channelBytes: 20)
    }

    @Test("what is there")
    func known() throws {
        #expect(route("/") == .page)
        #expect(route("/?x=1", "HEAD") == .page)
        #expect(route("/connection/websocket?route=abc") == .centrifugeWebSocket)
        #expect(route("/channels/lobby/ws") == .rawWebSocket(try ChannelName("lobby")))
        #expect(route("/channels/a%2Fb%C3%A9/ws?since=1") == .rawWebSocket(try ChannelName("a/bé")))
        #expect(route("/channels/lobby", "POST") == .publish(try ChannelName("lobby")))
    }

    @Test("a target with scheme and host is its path")
    func absolute() throws {
        #expect(route("http://x") == .page)
        #expect(route("https://x?y=/channels") == .page)
        #expect(route("http://x:80/?y") == .page)
        #expect(route("http://a/channels/lobby/ws?x") == .rawWebSocket(try ChannelName("lobby")))
    }

    @Test("what is not")
    func unknown() {
        for target in [
            "", "/x", "/channels", "/channels/", "/channels/a/ws/", "/channels/a/b", "/metrics", "*", "http://x/y",
            "ftp://x/", "x/",
        ] {
            let result = route(target)
            #expect(result == .notFound || result == .methodNotAllowed(allow: "POST"), "\(target): \(result)")
        }
        #expect(route("/", "POST") == .methodNotAllowed(allow: "GET, HEAD"))
        #expect(route("/channels/a", "GET") == .methodNotAllowed(allow: "POST"))
        #expect(route("/channels/a/ws", "POST") == .methodNotAllowed(allow: "GET"))
    }

    @Test("channel names are checked where they stand")
    func badNames() {
        #expect(route("/channels//ws") == .badChannel(.empty))
        #expect(route("/channels/a%20b/ws") == .badChannel(.forbidden(" ")))
        #expect(route("/channels/a%FF/ws") == .badChannel(.notUTF8))
        #expect(route("/channels/a%F/ws") == .badChannel(.notUTF8))
        #expect(route("/channels/a%/ws") == .badChannel(.notUTF8))
        #expect(route("/channels/123456789012345678901/ws") == .badChannel(.tooLong(bytes: 21, limit: 20)))
    }
}
