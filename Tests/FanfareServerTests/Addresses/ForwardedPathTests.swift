import FanfareTestKit
import Testing

@testable import FanfareServer

@Suite("Forwarded addresses")
struct ForwardedPathTests {
    private static let trusted: TrustedNetworks = (try? TrustedNetworks("10.0.0.0/8, fd00::/8")) ?? .none
    private let path = ForwardedPath(trusted: trusted)
    private let proxy = ClientAddress("10.0.0.1") ?? ClientAddress(v4: 0)

    private func xff(_ fields: String...) -> String { text(path.origin(peer: proxy, xForwardedFor: fields)) }
    private func forwarded(_ fields: String...) -> String { text(path.origin(peer: proxy, forwarded: fields)) }

    private func text(_ origin: ForwardedPath.Origin) -> String { "\(origin.address)\(origin.isMalformed ? "!" : "")" }

    @Test("X-Forwarded-For is read from the right to the first that is not trusted")
    func xForwardedFor() {
        #expect(text(path.origin(peer: proxy, xForwardedFor: [])) == "10.0.0.1")
        #expect(xff("192.0.2.1") == "192.0.2.1")
        #expect(xff("6.6.6.6, 192.0.2.1") == "192.0.2.1")
        #expect(xff("6.6.6.6", "192.0.2.1") == "192.0.2.1", "several fields are one list")
        #expect(xff("6.6.6.6, 192.0.2.1, 10.0.0.2, 10.0.0.3") == "192.0.2.1")
        #expect(xff("192.0.2.1,10.0.0.2", "10.0.0.3,\t10.0.0.4 ") == "192.0.2.1")
        #expect(xff("10.0.0.9, 10.0.0.2") == "10.0.0.9", "all trusted: the farthest")
        #expect(xff("192.0.2.1:4711") == "192.0.2.1")
        #expect(xff("[2001:db8::1]:4711, [fd00::1]") == "2001:db8::1")
        #expect(xff("::ffff:192.0.2.1") == "192.0.2.1")
        #expect(xff("10.0.0.2, ::ffff:10.0.0.3") == "10.0.0.2")
    }

    @Test(
        "garbage ends the walk at the trusted hop that said it",
        arguments: ["unknown", "", "1.2.3", "_x", "\"", "fd00::1%1"])
    func garbage(word: String) {
        #expect(xff(word) == "10.0.0.1!")
        #expect(xff("6.6.6.6, \(word)") == "10.0.0.1!")
        #expect(xff("6.6.6.6, \(word), 10.0.0.2") == "10.0.0.2!")
        #expect(xff("6.6.6.6, 10.0.0.3", "\(word), 10.0.0.2") == "10.0.0.2!")
        #expect(xff("\(word), 192.0.2.1, 10.0.0.2") == "192.0.2.1", "behind the client it means nothing")
    }

    @Test("the walk is bounded")
    func bound() {
        let many = Array(repeating: "10.0.0.2", count: ForwardedPath.maximumHops)
        #expect(xff((["192.0.2.1"] + many).joined(separator: ",")) == "10.0.0.2!")
        #expect(xff((["192.0.2.1"] + many.dropLast()).joined(separator: ",")) == "192.0.2.1")
    }

    @Test("Forwarded is read by its grammar")
    func forwarded() {
        #expect(forwarded("for=192.0.2.1") == "192.0.2.1")
        #expect(forwarded(#"for=6.6.6.6, For="192.0.2.1:80";proto=https;by=203.0.113.43"#) == "192.0.2.1")
        #expect(forwarded(#"by=10.0.0.1 ; FOR="[2001:db8::1]:4711""#) == "2001:db8::1")
        #expect(forwarded(#"for="[2001:db8::1]", for=10.0.0.2"#, "for=10.0.0.3") == "2001:db8::1")
        #expect(forwarded(#"host="a,b;for=6.6.6.6\", for=6.6.6.6";for=192.0.2.1"#) == "192.0.2.1")
        #expect(forwarded(#"for=192.0.2.1;host="\\""#) == "192.0.2.1")
        #expect(forwarded("for=192.0.2.1; ;proto=http;") == "192.0.2.1")
        for garbage in [
            "", "for=unknown", "for=_hidden", #"for="_gazonk""#, "proto=https", "for", "for=", "=1", #"for="192.0.2.1"#,
            "for=192.0.2.1;for=6.6.6.6", #"for="192.0.2.1"x"#, #"for="192.0.2.1" by=x"#, "192.0.2.1", "for=192.0.2.1 x",
            #"for=192.0.2.1;host=a"b"#, "for==192.0.2.1", #"for="192.0.2.1\"#,
        ] {
            #expect(forwarded(garbage) == "10.0.0.1!", "\(garbage)")
            #expect(forwarded("for=6.6.6.6, \(garbage)") == "10.0.0.1!", "\(garbage)")
        }
    }

    /// Headers as a stranger may send them, full of what parsers trip over.
    private func hostile(_ random: inout SeededRandom) -> String {
        let words = [
            "for=6.6.6.6", "6.6.6.6", "10.0.0.7", "for=10.0.0.7", "\"", "\\", "\\\"", ",", ";", "=", " ", "for=\"",
            "unknown", "[",
            "]", ":", "::1", "127.0.0.1", "\t", "for=\"[fd00::1]", "host=\"", "x",
        ]
        return (0..<Int.random(in: 0...12, using: &random)).map { _ in words.randomElement(using: &random) ?? "" }
            .joined()
    }

    @Test("nothing that a client sends changes its address, with a trusted proxy or without")
    func spoofing() throws {
        var random = SeededRandom(seed: 11)
        let client = try #require(ClientAddress("192.0.2.1"))
        for _ in 0..<20_000 {
            let (header, other) = (hostile(&random), hostile(&random))
            // Nobody trusted is between.
            for fields in [[header], [header, other]] {
                #expect(path.origin(peer: client, xForwardedFor: fields) == .init(address: client))
                #expect(path.origin(peer: client, forwarded: fields) == .init(address: client))
            }
            // A proxy adds to the field, or adds a field.
            for fields in [
                ["\(header), 192.0.2.1"], [header, "192.0.2.1"], [other, "\(header),192.0.2.1", "10.0.0.2"],
            ] {
                #expect(path.origin(peer: proxy, xForwardedFor: fields) == .init(address: client), "\(fields)")
            }
            for fields in [
                ["\(header), for=192.0.2.1"], [header, "for=\"192.0.2.1:80\";proto=http"],
                [other, "\(header),for=192.0.2.1;host=\"a\\\"b,c\", for=10.0.0.2", "by=x;for=10.0.0.3"],
            ] {
                #expect(path.origin(peer: proxy, forwarded: fields) == .init(address: client), "\(fields)")
            }
        }
    }
}
