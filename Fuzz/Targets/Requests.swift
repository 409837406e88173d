import FanfareCore
import HTTPTypes

@testable import FanfareServer
@testable import FanfareWire

extension FuzzTarget {
    /// Targets of HTTP requests: path, query, and the token in either.
    static let requests = FuzzTarget(name: "requests", maxBytes: 512) { input in
        var input = input
        let method = input.pick([HTTPRequest.Method.get, .post, .head, .put])
        let limit = input.pick([255, 1, 64, 10_000])
        let field = input.pick([
            "authorization", "sec-websocket-protocol", "cookie", "host", "transfer-encoding", "content-length",
            "expect",
        ])
        let value = input.text()
        let target = input.remainder
        path(method, target, limit)
        query(target)
        token(target, field, value)
        head(target, field, value, isOld: limit == 1)
        encoding(value)
    }

    private static func path(_ method: HTTPRequest.Method, _ target: String, _ limit: Int) {
        let found = place(method, target, limit)
        if target.utf8.first == UInt8(ascii: "/") {
            let absolute = place(method, "http://a.example" + target, limit)
            expect(absolute == found, "absolute form is \(absolute), the other \(found)")
        }
        guard
            case .found(_, let channel?) = PublicRouter.standard.match(
                method, HTTPRequest.originForm(target), channelBytes: limit)
        else { return }
        expect((1...min(limit, 255)).contains(channel.string.utf8.count), "channel \(channel)")
        let path = "/channels/" + percentEncoded(channel.string)
        let again = place(.post, path, limit)
        expect(again == "channel() \(channel.string)", "\(path) is \(again)")
    }

    /// What a router makes of a target, in words that can be compared.
    private static func place(_ method: HTTPRequest.Method, _ target: String, _ limit: Int) -> String {
        switch PublicRouter.standard.match(method, HTTPRequest.originForm(target), channelBytes: limit) {
        case .found(let route, let channel):
            switch route.place {
            case .path(let path): "path \(path)"
            case .channel(let suffix): "channel(\(suffix)) \(channel?.string ?? "")"
            case .under(let prefix): "under \(prefix)"
            }
        case .otherMethods(let methods): "for \(methods)"
        case .badChannel(let error): "\(error)"
        case .nothing: "nothing"
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
        guard let token, !token.isEmpty, ["authorization", "sec-websocket-protocol", "cookie"].contains(field) else {
            return
        }
        let isThere = value.holds(token) || PercentEncoding.decoded(target.utf8[...])?.holds(token) != false
        expect(isThere || target.holds("token="), "token '\(token)' is nowhere in the request")
    }

    /// What HTTP says about a head: a body is framed in one way or refused, a host is read in one way or refused.
    private static func head(_ target: String, _ field: String, _ value: String, isOld: Bool) {
        func checked(_ fields: [String: [String]]) -> RequestCheck? {
            try? RequestCheck(version: (1, isOld ? 0 : 1), target: target) { fields[$0] ?? [] }
        }
        let host = field == "host" ? value : "a.example"
        var fields = ["host": [host]]
        fields[field] = [value]
        guard let check = checked(fields) else { return }
        if let found = HostField(host) {
            let again = HostField(String(decoding: found.host, as: UTF8.self) + (found.port.map { ":\($0)" } ?? ""))
            expect(again == found, "host '\(host)' is not read as itself")
            expect(
                found.host.allSatisfy { (0x21...0x7E).contains($0) && !"@/\\?#".utf8.contains($0) }, "host '\(host)'")
        } else {
            expect(false, "host '\(host)' was let through")
        }
        switch field {
        case "transfer-encoding":
            let letters = value.lowercased().filter { !", \t".contains($0) }
            expect(!isOld && letters == "chunked" && check.body == .chunked, "coding '\(value)' is \(check.body)")
            expect(self.smuggled(host, value) == nil, "a length beside '\(value)'")
        case "content-length":
            let numbers = Set(value.split { ", \t".contains($0) }.map(String.init))
            expect(numbers.count == 1, "length '\(value)' is \(check.body)")
            if let number = numbers.first.flatMap(UInt64.init), number < 1 << 62 {
                expect(check.body == (number == 0 ? .none : .length(Int(number))), "length '\(value)' is \(check.body)")
            } else {
                expect(!check.fits(1 << 62), "length '\(value)' fits")
            }
        case "expect": expect(!check.awaitsContinue, "no body, and '\(value)' waits for 100")
        default: break
        }
    }

    private static func smuggled(_ host: String, _ coding: String) -> RequestCheck? {
        let fields = ["host": [host], "transfer-encoding": [coding], "content-length": ["3"]]
        return try? RequestCheck(version: (1, 1), target: "/") { fields[$0] ?? [] }
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
