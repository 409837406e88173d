import Testing

@testable import FanfareWire

@Suite("Base64")
struct Base64Tests {
    @Test("the values of RFC 4648 §10 are written and read")
    func published() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            #expect(String(decoding: Base64.encode(plain.utf8), as: UTF8.self) == coded)
            #expect(Base64.decode(coded.utf8) == Array(plain.utf8))
        }
    }

    @Test(
        "text that is not complete, padded Base64 is refused",
        arguments: ["Zg", "Z===", "Zg=a", "====", "Zm9v\n", "Zm 9"])
    func bad(text: String) { #expect(Base64.decode(text.utf8) == nil) }
}
