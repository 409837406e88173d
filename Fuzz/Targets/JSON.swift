import NIOCore

@testable import FanfareWire

extension FuzzTarget {
    /// JSON from anywhere: the quick scanner says what the grammar says, and texts come back as they were.
    static let json = FuzzTarget(name: "json", maxBytes: 512) { input in
        let bytes = input.buffer
        let depth = JSONScanner.maximumDepth
        let isValid = JSONScanner.isValid(input.rest)
        let isJSON = ReferenceJSON.isValid(input.rest, maximumDepth: depth)
        expect(isValid == isJSON, "the scanner says \(isValid), the grammar \(isJSON)")
        if let line = JSONLine(bytes) {
            expect(isValid && !line.bytes.readableBytesView.contains { $0 == 0x0A || $0 == 0x0D }, "not one line")
            expect(JSONScanner.isValid(Array(line.bytes.readableBytesView)), "the line is no JSON any more")
        }
        if let members = JSONMembers(bytes, limit: 1_024) {
            expect(ReferenceJSON.isValid(input.rest, maximumDepth: depth + 1), "members of what is no JSON")
            for key in members.keys { member(members[key], key) }
        }
        guard let text = String(validating: input.rest, as: UTF8.self) else { return }
        var written = ByteBuffer()
        JSONWriter.writeString(text, into: &written)
        let object = ByteBuffer(string: #"{"k":\#(String(buffer: written))}"#)
        let back = JSONMembers(object)?["k"]?.string
        expect(back.map { $0.utf8.elementsEqual(text.utf8) } == true, "a text came back as \(back ?? "nothing")")
    }

    private static func member(_ value: JSONMembers.Value?, _ key: String) {
        guard let value else { fatalError("no value for the key '\(key)'") }
        let isJSON = ReferenceJSON.isValid(value.bytes.readableBytesView, maximumDepth: JSONScanner.maximumDepth)
        expect(isJSON, "the value of '\(key)' is no JSON")
        if let number = value.unsigned { expect(value.unsigned64 == UInt64(number), "two readings of a number") }
        _ = (value.string, value.bool, value.isNull, value.isObject)
        for element in value.elements ?? [] { member(element, key) }
    }
}

extension JSONScanner {
    fileprivate static func isValid(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { isValid($0) } }
}
