import Testing

@testable import FanfareServer

@Suite("Tokens in requests")
struct RequestTokenTests {
    private func token(
        _ fields: [(String, String)], target: String = "/connection/websocket", cookie: String? = "session",
        isInQuery: Bool = true
    ) -> String? {
        RequestToken(target: target, cookie: cookie, isInQuery: isInQuery) { name in
            fields.filter { $0.0 == name }.map(\.1)
        }.value
    }

    @Test(
        "a bearer token is found in each of its places",
        arguments: [
            ("authorization", "Bearer a.b.c"), ("authorization", "bearer  a.b.c "),
            ("sec-websocket-protocol", "bearer.a.b.c"), ("sec-websocket-protocol", "centrifuge-json, bearer.a.b.c"),
            ("sec-websocket-protocol", "bearer.a.b.c ,centrifuge-json"), ("cookie", "session=a.b.c"),
            ("cookie", "x=y; session=a.b.c; z=session"), ("cookie", "session=\"a.b.c\""),
        ])
    func places(name: String, value: String) {
        #expect(token([(name, value)]) == "a.b.c")
    }

    @Test("the query counts only where the configuration says so")
    func query() {
        let target = "/channels/c/ws?x=1&token=a%2Eb.c&token=other"
        #expect(token([], target: target) == "a.b.c")
        #expect(token([], target: target, isInQuery: false) == nil)
        #expect(token([], target: "/channels/token=a/ws") == nil)
    }

    @Test("a token is in the address where that of the query counts, and only there")
    func inAddress() {
        for (cookie, isInQuery, isInAddress) in [(nil, true, true), (nil, false, false), ("a=b", true, false)] {
            let token = RequestToken(target: "/?token=t", cookie: "a", isInQuery: isInQuery) { name in
                name == "cookie" ? cookie.map { [$0] } ?? [] : []
            }
            #expect(token.isInAddress == isInAddress)
        }
    }

    @Test("a cookie counts only by its configured name")
    func cookieName() {
        #expect(token([("cookie", "session=a.b.c")], cookie: nil) == nil)
        #expect(token([("cookie", "Session=a.b.c; sessions=a; xsession=b")]) == nil)
    }

    @Test("what nobody meant for the node is no token")
    func others() {
        #expect(token([]) == nil)
        #expect(token([("authorization", "Basic abc")]) == nil)
        #expect(token([("sec-websocket-protocol", "centrifuge-json")]) == nil)
    }

    @Test("a field that can't be read is a token that nobody believes, not a client without one")
    func broken() {
        #expect(token([("authorization", "Bearer")]) == "")
        #expect(token([("authorization", "Bearer a b")]) == "")
        #expect(token([("authorization", "Bearer a"), ("authorization", "Bearer b")]) == "")
        #expect(token([("sec-websocket-protocol", "bearer.")]) == "")
        #expect(token([], target: "/?token=%zz") == "")
    }

    @Test("the more explicit place wins")
    func order() {
        let fields = [
            ("cookie", "session=c"), ("sec-websocket-protocol", "bearer.p"), ("authorization", "Bearer a"),
        ]
        #expect(token(fields, target: "/?token=q") == "a")
        #expect(token(Array(fields.prefix(2)), target: "/?token=q") == "p")
        #expect(token(Array(fields.prefix(1)), target: "/?token=q") == "c")
    }
}
