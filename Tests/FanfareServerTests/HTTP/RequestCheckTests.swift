import Testing

@testable import FanfareServer

/// Section by section of RFC 9110 and RFC 9112.
@Suite("Request check")
struct RequestCheckTests {
    private func check(
        _ fields: [(String, String)], version: (Int, Int) = (1, 1), target: String = "/"
    ) throws(RequestCheck.Refusal) -> RequestCheck {
        try RequestCheck(version: version, target: target) { name in
            fields.filter { $0.0.lowercased() == name }.map(\.1)
        }
    }

    private func status(
        _ fields: [(String, String)], version: (Int, Int) = (1, 1), target: String = "/"
    ) -> Int {
        do throws(RequestCheck.Refusal) {
            _ = try check(fields, version: version, target: target)
            return 200
        } catch {
            return error.status
        }
    }

    @Test("RFC 9112 §3.2: one Host field with a host that can be read; HTTP/1.0 may do without")
    func host() {
        #expect(status([]) == 400 && status([], version: (1, 0)) == 200)
        #expect(status([("Host", "a"), ("Host", "a")]) == 400)
        #expect(status([("Host", "a"), ("Host", "a")], version: (1, 0)) == 400)
        for (host, isValid) in [
            ("a", true), ("a.example:80", true), ("127.0.0.1", true), ("[::1]:8000", true), ("[::ffff:1.2.3.4]", true),
            ("", true), ("a:", true), ("a_b-c~.d", true), ("%41", true), ("A.EXAMPLE", true),
            ("a b@c/../", false), ("a b", false), ("a@b", false), ("a/b", false), ("a?b", false), ("a#b", false),
            ("a:b", false), ("a:65536", false), ("a:1:2", false), ("::1", false), ("[::1", false), ("[a]", false),
            ("[::1]x", false), ("[]", false), ("%4", false), ("%zz", false), ("a\\b", false), ("<a>", false),
            ("\u{212A}", false), ("a,b", true), ("\u{7F}", false),
        ] {
            #expect(status([("Host", host)]) == (isValid ? 200 : 400), "'\(host)'")
            #expect(status([("Host", host)], version: (1, 0)) == (isValid ? 200 : 400), "'\(host)' with HTTP/1.0")
        }
    }

    @Test("RFC 9112 §3.2.2: the host of an absolute target counts, not that of the field")
    func absoluteTarget() throws {
        let check = try check([("Host", "other")], target: "http://A.example:81/x?y")
        #expect(check.host == HostField("a.example:81"))
        #expect(try self.check([("Host", "other")], target: "/http://a.example/").host == HostField("other"))
        for target in ["http://u@a/", "http:///x", "http://", "https://a b/", "HTTP://a:x/"] {
            #expect(status([("Host", "a")], target: target) == 400, "\(target)")
        }
    }

    @Test("RFC 9112 §6: where the body ends")
    func framing() throws {
        for (fields, version, expected) in [
            ([("Transfer-Encoding", "chunked")], (1, 1), 200), ([("Transfer-Encoding", "Chunked")], (1, 1), 200),
            ([("Transfer-Encoding", " , chunked ,")], (1, 1), 200),
            // §6.1: HTTP/1.0 has none; a coding that is not known; none twice; not together with a length.
            ([("Transfer-Encoding", "chunked")], (1, 0), 400),
            ([("Transfer-Encoding", "gzip, chunked")], (1, 1), 501),
            ([("Transfer-Encoding", "gzip"), ("Transfer-Encoding", "chunked")], (1, 1), 501),
            ([("Transfer-Encoding", "identity, chunked")], (1, 1), 501),
            ([("Transfer-Encoding", "chunked, chunked")], (1, 1), 400),
            ([("Transfer-Encoding", "chunked"), ("Content-Length", "3")], (1, 1), 400),
            // §6.3: chunked is the last.
            ([("Transfer-Encoding", "gzip")], (1, 1), 400), ([("Transfer-Encoding", "identity")], (1, 1), 400),
            ([("Transfer-Encoding", "chunked, gzip")], (1, 1), 400), ([("Transfer-Encoding", "")], (1, 1), 400),
            ([("Transfer-Encoding", "chunked;q=1")], (1, 1), 400), ([("Transfer-Encoding", "xchunked")], (1, 1), 400),
            ([("Content-Length", "3")], (1, 0), 200), ([("Content-Length", "3, 3")], (1, 1), 200),
            ([("Content-Length", "3"), ("Content-Length", "3")], (1, 1), 200),
            ([("Content-Length", "3, 4")], (1, 1), 400), ([("Content-Length", "+3")], (1, 1), 400),
            ([("Content-Length", "-3")], (1, 1), 400), ([("Content-Length", "3 3")], (1, 1), 400),
            ([("Content-Length", "")], (1, 1), 400), ([("Content-Length", "0x3")], (1, 1), 400),
            ([("Content-Length", "\u{0663}")], (1, 1), 400),
        ] as [([(String, String)], (Int, Int), Int)] {
            #expect(status([("Host", "a")] + fields, version: version) == expected, "\(fields) in \(version)")
        }
        #expect(try check([("Host", "a")]).body == .none)
        #expect(try check([("Host", "a"), ("Content-Length", "0")]).body == .none)
        #expect(try check([("Host", "a"), ("Content-Length", "007")]).body == .length(7))
        #expect(try check([("Host", "a"), ("Transfer-Encoding", "chunked")]).body == .chunked)
    }

    @Test("RFC 9110 §8.6: a length that no number holds is above every limit")
    func greatLengths() throws {
        for text in ["9223372036854775807", "9223372036854775808", "18446744073709551615", "99999999999999999999999"] {
            let check = try check([("Host", "a"), ("Content-Length", text)])
            #expect(check.body == .length(.max) && !check.fits(1_000_000), "\(text)")
        }
        #expect(try check([("Host", "a"), ("Content-Length", "10")]).fits(10))
        #expect(try !check([("Host", "a"), ("Content-Length", "11")]).fits(10))
    }

    @Test("RFC 9110 §10.1.1: 100-continue with a body, nothing else, and not in HTTP/1.0")
    func expectations() throws {
        for (fields, expected) in [
            ([("Expect", "100-continue"), ("Content-Length", "3")], true),
            ([("Expect", "100-Continue"), ("Transfer-Encoding", "chunked")], true),
            ([("Expect", "100-continue, 100-continue"), ("Content-Length", "3")], true),
            ([("Expect", "100-continue")], false), ([("Expect", "100-continue"), ("Content-Length", "0")], false),
            ([("Content-Length", "3")], false), ([("Expect", ""), ("Content-Length", "3")], false),
        ] {
            #expect(try check([("Host", "a")] + fields).awaitsContinue == expected, "\(fields)")
        }
        for text in ["200-ok", "100-continue, x", "100-continue=1", "100"] {
            #expect(status([("Host", "a"), ("Expect", text)]) == 417, "\(text)")
            #expect(status([("Host", "a"), ("Expect", text)], version: (1, 0)) == 200, "\(text)")
        }
    }

    @Test("other major versions are 505 (RFC 9110 §15.6.6); compressed bodies are told apart (§8.4)")
    func rest() throws {
        for version in [(0, 9), (2, 0), (3, 0)] { #expect(status([("Host", "a")], version: version) == 505) }
        #expect(status([("Host", "a")], version: (1, 2)) == 200)
        for (text, isCompressed) in [("gzip", true), ("identity", false), ("Identity, br", true), ("", false)] {
            let check = try check([("Host", "a"), ("Content-Encoding", text), ("Content-Length", "3")])
            #expect(check.isCompressed == isCompressed, "\(text)")
        }
    }
}
