/// The id by which a client is known in presence and logs: 128 random bits in the form of a UUID.
enum ClientID {
    static func make() -> String {
        var digits: [UInt8] = []
        digits.reserveCapacity(36)
        for word in [UInt64.random(in: 0...UInt64.max), UInt64.random(in: 0...UInt64.max)] {
            for shift in stride(from: 60, through: 0, by: -4) {
                if digits.count == 8 || digits.count == 13 || digits.count == 18 || digits.count == 23 {
                    digits.append(UInt8(ascii: "-"))
                }
                digits.append(hexDigits[Int(word >> UInt64(shift) & 15)])
            }
        }
        return String(decoding: digits, as: UTF8.self)
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)
}
