import NIOCore

@testable import FanfareWire

extension FuzzTarget {
    /// JSON from anywhere: the quick scanner says what the grammar says, and texts come back as they were.
    static let json = FuzzTarget(name: "json", maxBytes: 512) { input in
        let bytes = input.buffer
        let isValid = JSONScanner.isValid(input.rest)
        let isJSON = ReferenceJSON.isValid(input.rest)
        expect(isValid == isJSON, "the scanner says \(isValid), the grammar \(isJSON)")
        depth(bytes, input.rest, isJSON)
        if let line = JSONLine(bytes) {
            expect(isValid && !line.bytes.readableBytesView.contains { $0 == 0x0A || $0 == 0x0D }, "not one line")
            expect(JSONScanner.isValid(Array(line.bytes.readableBytesView)), "the line is no JSON any more")
        }
        if let members = JSONMembers(bytes, limit: 1_024) {
            expect(isJSON, "members of what is no JSON")
            for key in members.keys { member(members[key], key.string) }
        }
        guard let text = String(validating: input.rest, as: UTF8.self) else { return }
        var written = ByteBuffer()
        JSONWriter.writeString(text, into: &written)
        let object = ByteBuffer(string: #"{"k":\#(String(buffer: written))}"#)
        let back = JSONMembers(object)?["k"]?.string
        expect(back.map { $0.utf8.elementsEqual(text.utf8) } == true, "a text came back as \(back ?? "nothing")")
    }

    /// Too deep is only what is JSON, and all of it that has a value within more arrays and objects than there may be.
    private static func depth(_ bytes: ByteBuffer, _ text: UnsafeRawBufferPointer, _ isJSON: Bool) {
        let isExceeded = JSONDepth.isExceeded(by: bytes)
        let limit = JSONDepth.maximum
        expect(!isExceeded || isJSON && !ReferenceJSON.isValid(text, maximumDepth: limit), "too deep, and it is not")
        expect(
            isExceeded || !isJSON || ReferenceJSON.isValid(text, maximumDepth: limit + 1), "not too deep, and it is")
    }

    private static func member(_ value: JSONMembers.Value?, _ key: String) {
        guard let value else { fatalError("no value for the key '\(key)'") }
        let isJSON = ReferenceJSON.isValid(value.bytes.readableBytesView)
        expect(isJSON, "the value of '\(key)' is no JSON")
        if let number = value.unsigned { expect(value.unsigned64 == UInt64(number), "two readings of a number") }
        _ = (value.string, value.bool, value.isNull)
        for element in value.elements ?? [] { member(element, key) }
    }
}

extension JSONScanner {
    fileprivate static func isValid(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { isValid($0) } }
}
