/// The items of a target's query, `name=value` between ampersands, as they were sent. Walked without a copy.
struct QueryItems: Sequence, IteratorProtocol {
    typealias Item = (name: Substring.UTF8View, value: Substring.UTF8View)

    private var rest: Substring.UTF8View

    /// - Parameter target: path and query.
    init(_ target: String) {
        let query = target.utf8.drop { $0 != UInt8(ascii: "?") }.dropFirst()
        rest = query.prefix { $0 != UInt8(ascii: "#") }
    }

    mutating func next() -> Item? {
        while let first = rest.first {
            guard first != UInt8(ascii: "&") else {
                rest = rest.dropFirst()
                continue
            }
            let item = rest.prefix { $0 != UInt8(ascii: "&") }
            rest = rest.dropFirst(item.count)
            let name = item.prefix { $0 != UInt8(ascii: "=") }
            return (name, item.dropFirst(name.count).dropFirst())
        }
        return nil
    }
}
