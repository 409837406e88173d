import FanfareWire
import HTTPTypes
import Testing

@testable import FanfareServer

@Suite("Routes")
struct RouterTests {
    private func match(_ target: String, _ method: HTTPRequest.Method = .get) -> PublicRouter.Match {
        PublicRouter.standard.match(method, HTTPRequest.originForm(target), channelBytes: 20)
    }

    /// Where a target leads.
    private func found(_ target: String, _ method: HTTPRequest.Method = .get) -> String? {
        guard case .found(let route, let channel) = match(target, method) else { return nil }
        return switch route.place {
        case .path(let path): path
        case .channel(let suffix): "\(channel?.string ?? "no channel") \(suffix)"
        }
    }

    @Test("what is there")
    func known() {
        #expect(found("/") == "/")
        #expect(found("/?x=1", .head) == "/")
        #expect(found("/connection/websocket?route=abc") == "/connection/websocket")
        for path in ["sse", "http_stream", "uni_sse", "uni_http_stream"] {
            #expect(found("/connection/\(path)?cf_connect=x", .post) == "/connection/\(path)")
        }
        #expect(found("/connection/http_stream") == nil && found("/connection/uni_websocket", .post) == nil)
        #expect(found("/emulation", .post) == "/emulation" && found("/emulation") == nil)
        #expect(found("/channels/lobby/ws") == "lobby ws")
        #expect(found("/channels/a%2Fb%C3%A9/ws?since=1") == "a/bé ws")
        #expect(found("/channels/lobby", .post) == "lobby ")
    }

    @Test("a target with scheme and host is its path")
    func absolute() {
        for target in ["http://x", "https://x?y=/channels", "http://x:80/?y", "http://x#y"] {
            #expect(found(target) == "/", "\(target)")
        }
        #expect(found("http://a/channels/lobby/ws?x") == "lobby ws")
        #expect(HTTPRequest.originForm("http://a/channels/lobby/ws?x=/y") == "/channels/lobby/ws?x=/y")
        #expect(HTTPRequest.originForm("http://x?y") == "/?y")
    }

    @Test("what is not")
    func unknown() {
        for target in [
            "", "/x", "/channels", "/channels/", "/channels/a/ws/", "/channels/a/b", "/metrics", "*", "http://x/y",
            "ftp://x/", "x/", "/channels/a/", "//", "/channels/a/ws/ws",
        ] {
            switch match(target) {
            case .nothing: break
            case .otherMethods(let methods): #expect(methods == [.post], "\(target)")
            case .found, .badChannel: Issue.record("\(target) is found")
            }
        }
        for (target, method, allowed) in [
            ("/", HTTPRequest.Method.post, [HTTPRequest.Method.get, .head]), ("/channels/a", .get, [.post]),
            ("/channels/a/ws", .post, [.get]),
        ] {
            guard case .otherMethods(let methods) = match(target, method) else {
                Issue.record("\(method) \(target)")
                continue
            }
            #expect(methods == allowed)
        }
    }

    @Test("channel names are checked where they stand")
    func badNames() {
        for (target, expected) in [
            ("/channels//ws", ChannelNameError.empty), ("/channels/a%20b/ws", .forbidden(" ")),
            ("/channels/a%FF/ws", .notUTF8), ("/channels/a%F/ws", .notUTF8), ("/channels/a%/ws", .notUTF8),
            ("/channels/123456789012345678901/ws", .tooLong(bytes: 21, limit: 20)),
        ] {
            guard case .badChannel(let error) = match(target) else {
                Issue.record("\(target)")
                continue
            }
            #expect(error == expected)
        }
    }
}
