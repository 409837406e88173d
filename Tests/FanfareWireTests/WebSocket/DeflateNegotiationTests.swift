import Testing

@testable import FanfareWire

@Suite("permessage-deflate: negotiation")
struct DeflateNegotiationTests {
    private static let answer = "permessage-deflate; server_no_context_takeover"

    private func answer(_ offer: String, clientContext: Bool = false) throws -> String? {
        let offers = try #require(ExtensionOffer.parse(offer))
        return DeflateAgreement.negotiate(offers, DeflatePolicy(clientContext: clientContext))?.answer
    }

    @Test("without client context every client is told to do without, and window sizes that are asked for are kept")
    func withoutContext() throws {
        let none = Self.answer + "; client_no_context_takeover"
        #expect(try answer("permessage-deflate") == none)
        #expect(try answer("Permessage-Deflate; client_max_window_bits") == none)
        #expect(try answer("permessage-deflate; client_max_window_bits=8; server_no_context_takeover") == none)
        #expect(try answer("permessage-deflate; server_max_window_bits=15") == none + "; server_max_window_bits=15")
        #expect(try answer(#"permessage-deflate;server_max_window_bits="9""#) == none + "; server_max_window_bits=9")
    }

    @Test("with client context a client that lets us choose gets a window of 4 KB, none gets a bigger one than it has")
    func withContext() throws {
        for (offer, rest) in [
            ("permessage-deflate", ""),
            ("permessage-deflate; client_max_window_bits", "; client_max_window_bits=12"),
            ("permessage-deflate; client_max_window_bits=15", "; client_max_window_bits=12"),
            ("permessage-deflate; client_max_window_bits=9", "; client_max_window_bits=9"),
            ("permessage-deflate; client_no_context_takeover", "; client_no_context_takeover"),
        ] {
            #expect(try answer(offer, clientContext: true) == Self.answer + rest, "\(offer)")
        }
    }

    @Test(
        "an offer with anything unknown, doubled or out of range is declined",
        arguments: [
            "x-webkit-deflate-frame", "permessage-bzip2", "permessage-deflate; x", "permessage-deflate; x=1",
            "permessage-deflate; server_no_context_takeover=1", "permessage-deflate; client_no_context_takeover=yes",
            "permessage-deflate; server_max_window_bits", "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate; server_max_window_bits=16", "permessage-deflate; server_max_window_bits=010",
            "permessage-deflate; client_max_window_bits=16", "permessage-deflate; client_max_window_bits=+9",
            "permessage-deflate; client_max_window_bits; client_max_window_bits",
            "permessage-deflate; client_max_window_bits=9; client_max_window_bits=9",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            "permessage-deflate; server_max_window_bits=9; server_max_window_bits=10", "",
        ])
    func declined(offer: String) throws {
        #expect(try answer(offer) == nil)
        #expect(try answer(offer, clientContext: true) == nil)
    }

    @Test("of several offers the first that can be accepted is")
    func several() throws {
        let offers =
            "permessage-bzip2, permessage-deflate; server_max_window_bits=99, permessage-deflate; server_max_window_bits=11, permessage-deflate"
        #expect(try answer(offers)?.hasSuffix("; server_max_window_bits=11") == true)
    }

    @Test("frames that are shared go to clients whose window is big enough")
    func windows() throws {
        for (bits, shares) in [(8, false), (11, false), (12, true), (15, true)] {
            let offers = try #require(ExtensionOffer.parse("permessage-deflate; server_max_window_bits=\(bits)"))
            let agreement = DeflateAgreement.negotiate(offers, DeflatePolicy(clientContext: false))
            #expect(agreement?.takesSharedFrames == shares)
            #expect(agreement?.serverWindowBits == min(bits, 12))
        }
    }

    @Test("extensions are read as RFC 6455 section 9.1 writes them, and what is not is refused")
    func grammar() {
        #expect(
            ExtensionOffer.parse(#"foo , , bar;a ; b = "c";d=e,"#) == [
                ExtensionOffer(name: "foo"),
                ExtensionOffer(
                    name: "bar",
                    parameters: [
                        .init(name: "a", value: nil), .init(name: "b", value: "c"), .init(name: "d", value: "e"),
                    ]),
            ])
        #expect(ExtensionOffer.parse(" \t") == [])
        for bad in [
            ";", "a;", "a;;b", "a b", "=", "a=b", "a;b=", #"a;b=""#, #"a;b="c"#, #"a;b="""#, #"a;b="c d""#,
            #"a;b="c\"d""#, "ä", "a;b=c d", "a;b(c)", "\u{0}",
        ] { #expect(ExtensionOffer.parse(bad) == nil, "\(bad)") }
    }
}
