import FanfareWire
import HTTPTypes
import Testing

@testable import FanfareServer

@Suite("Routes")
struct RouterTests {
    private func match(_ target: String, _ method: HTTPRequest.Method = .get) -> PublicRouter.Match {
        PublicRouter.of(NodeConfiguration()).match(method, HTTPRequest.originForm(target), channelBytes: 20)
    }

    /// Where a target leads.
    private func found(_ target: String, _ method: HTTPRequest.Method = .get) -> String? {
        guard case .found(let route, let channel) = match(target, method) else { return nil }
        return switch route.place {
        case .path(let path): path
        case .channel(let suffix): "\(channel?.string ?? "no channel") \(suffix)"
        case .under(let prefix): prefix
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
        #expect(
            found("/socket.io/?EIO=4&transport=polling") == "/socket.io" && found("/socket.io?EIO=4") == "/socket.io")
        #expect(found("/stomp") == "/stomp" && found("/stomp", .post) == nil)
        #expect(found("/mqtt") == "/mqtt" && found("/mqtt", .post) == nil)
        #expect(found("/graphql") == "/graphql" && found("/graphql", .post) == "/graphql")
        #expect(found("/channels/lobby/ws") == "lobby ws")
        #expect(found("/channels/a%2Fb%C3%A9/ws?since=1") == "a/bé ws")
        #expect(found("/channels/lobby", .post) == "lobby ")
    }

    @Test("where a browser reads by itself there are routes, and nowhere else does a refusal look like a stream")
    func eventSources() {
        let targets = ["/channels/lobby/sse?channel=b", "/connection/sse?cf_connect=x", "/connection/uni_sse"]
        let others = [
            "/", "/channels/lobby/poll", "/channels/lobby/stream", "/sockjs/channels/lobby/000/abcdefgh/eventsource",
            "/socket.io/", "/connection/sse/more",
        ]
        func isRead(_ target: String) -> Bool {
            EventSourceRefusal.places.contains { RoutePath(target).fits($0) }
        }
        #expect(targets.allSatisfy { found($0) != nil && isRead($0) } && !others.contains(where: isRead))
        #expect(targets.count == EventSourceRefusal.places.count)
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

    @Test("a protocol with paths of its own has all below its prefix, with any method, and nothing beside it")
    func below() {
        var configuration = NodeConfiguration()
        configuration.sockJS.path = "/realtime"
        let router = PublicRouter.of(configuration)
        func place(_ target: String) -> Route.Place? {
            guard case .found(let route, nil) = router.match(.delete, target, channelBytes: 20) else { return nil }
            return route.place
        }
        for target in ["/realtime/centrifuge", "/realtime/centrifuge/", "/realtime/centrifuge/a/b/xhr?x=/y"] {
            #expect(place(target) == .under("/realtime/centrifuge"), "\(target)")
        }
        for target in ["/realtime", "/realtime/centrifuges", "/x/realtime/centrifuge", "/sockjs/centrifuge"] {
            #expect(place(target) == nil, "\(target)")
        }
        #expect(RoutePath("/a/b/c?d").rest(behind: "/a") == "/b/c")
        configuration.sockJS.path = ""
        #expect(PublicRouter.of(configuration).match(.get, "/centrifuge/info", channelBytes: 20).isNothing)
    }

    @Test("the origin of a page is what stands before its path")
    func originsOfPages() {
        for (page, origin) in [
            ("https://a.example/x?y#z", "https://a.example"), ("http://a:1", "http://a:1"),
            ("https://a?b", "https://a"),
            ("https://a.example@b.example/", "https://a.example@b.example"), ("about:blank", nil), ("x", nil),
            ("", nil),
        ] as [(String, String?)] {
            #expect(PageOrigin.text(ofPage: page).map { ExactText($0) } == origin.map { ExactText($0) }, "\(page)")
        }
        #expect(PageOrigin("https://a.example@b.example".utf8) == nil, "no user stands for a host")
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

extension PublicRouter.Match {
    fileprivate var isNothing: Bool { if case .nothing = self { true } else { false } }
}
