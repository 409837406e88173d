import FanfareCore

@testable import FanfareServer
@testable import FanfareWire

extension FuzzTarget {
    /// Targets of HTTP requests: path, query, and the token in either.
    static let requests = FuzzTarget(name: "requests", maxBytes: 512) { input in
        var input = input
        let method = input.pick(["GET", "POST", "HEAD", "PUT"])
        let limit = input.pick([255, 1, 64, 10_000])
        let field = input.pick(["authorization", "sec-websocket-protocol", "cookie", "host"])
        let value = input.text()
        let target = input.remainder
        path(method, target, limit)
        query(target)
        token(target, field, value)
        encoding(value)
    }

    private static func path(_ method: String, _ target: String, _ limit: Int) {
        let route = Route(method: method, target: target, channelBytes: limit)
        if target.utf8.first == UInt8(ascii: "/") {
            let absolute = Route(method: method, target: "http://a.example" + target, channelBytes: limit)
            expect(absolute == route, "absolute form is \(absolute), the other \(route)")
        }
        switch route {
        case .rawWebSocket(let channel), .publish(let channel):
            expect((1...min(limit, 255)).contains(channel.string.utf8.count), "channel \(channel)")
            let path = "/channels/" + percentEncoded(channel.string)
            let again = Route(method: "POST", target: path, channelBytes: limit)
            expect(again == .publish(channel), "\(path) is \(again)")
        default: break
        }
    }

    private static func query(_ target: String) {
        var rules = ChannelRules()
        rules.history = ChannelRules.Retention(size: 1, age: .seconds(1))
        switch try? RecoveryQuery.wish(target, rules) {
        case .since(let position):
            expect(StreamPosition.isEpoch(position.epoch), "epoch '\(position.epoch)'")
            expect(StreamPosition(position.description) == position, "\(position) is not read as itself")
        case .last(let count): expect(count > 0, "the last \(count)")
        default: break
        }
        rules.history = nil
        if let wish = try? RecoveryQuery.wish(target, rules) {
            expect(wish == .none, "\(wish) of a channel without history")
        }
    }

    private static func token(_ target: String, _ field: String, _ value: String) {
        let token = RequestToken(target: target, cookie: "t", isInQuery: true) { $0 == field ? [value] : [] }.value
        let hidden = RequestToken(target: target, cookie: nil, isInQuery: false) { _ in [] }.value
        expect(hidden == nil, "a token out of nowhere")
        guard let token, !token.isEmpty, field != "host" else { return }
        let isThere = value.holds(token) || PercentEncoding.decoded(target.utf8[...])?.holds(token) != false
        expect(isThere || target.holds("token="), "token '\(token)' is nowhere in the request")
    }

    private static func encoding(_ text: String) {
        expect(PercentEncoding.decoded(percentEncoded(text).utf8[...]) == text, "'\(text)' changes on its way")
        _ = PercentEncoding.decoded(text.utf8[...])
    }

    private static func percentEncoded(_ text: String) -> String {
        let digits = Array("0123456789abcDEF")
        return text.utf8.reduce(into: "") { $0 += "%\(digits[Int($1 >> 4)])\(digits[Int($1 & 15)])" }
    }
}
