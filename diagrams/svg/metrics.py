"""The widths of the font's characters; written by .ci/font, do not edit."""

UNITS = 200

#: From a code point on: widths in 1/200 of the font's size, as hexadecimal bytes; ff is not known.
REGULAR = {
    0x20: (
        "3838477070b2862743434e753843383870707070707070707070383875757570cc86869191867b9c9138648670a7919c869c91867b91"
        "86bd86867b3838385e704370706470703870702d2d642da77070707043643870649164646443344375ffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffff384370707070347043944b707543946f506e434343746c4343434a70a7a7a77b8686"
        "86868686c891868686863838383891919c9c9c9c9c759c9191919186867b707070707070b2647070707038383838707070707070706e"
        "7b707070706470648670867086709164916491649164917b9170867086708670867086709c709c709c709c7091709170383838383838"
        "382d38389359642d866464702d702d703b7043702d9170917091707991709c709c709c70c8bd91439143914386648664866486647b38"
        "7b4b7b38917091709170917091709170bd918664867b647b647b642d70988470847091916491a28470708697797b709c7db12d388664"
        "2d64b391709cac84ae8697708686647c4d387b387bab8696919b647b647b7b6d6d70705c627034537538fff5d2d5a75bf5bd9b867038"
        "2d9c70917091709170917091707086708670c8b29c709c7086649c709c707b6d2dfff5d29c70cf7c91708670c8b29c7b867086708670"
        "8670383838389c709c70914391439170917086647b386d5891708e8979727b64867086709c709c709c709c70866446894a2db2b28691"
        "64707b6464755b8691868670642d947091438664"
    ),
    0x370: (
        "ffffffff4343ffffffff4364646438ffffffffff434386389da84dff9bffac972d86866f86867b919c388686a791829c9186ff7c7b86"
        "a086a8963886745a702d6e747464705a5970702d646474645a708a72617c506e82698f9d2d6e706e9dff746e9bc09b719d799c709164"
        "7b517d6a9874b3a78770876486867a78946f5d527973642d9c5959867091a78a729191918686ad6d9086383864d4cbab759080908684"
        "866d8886b97990907584a7919c9086917b8099869486b8bc9fb28490cb9170736b497570865c707058758a6f706d70645c64a5647369"
        "a1a57d906967966d7070704967642d382db6a3705870646fff7d9c7bbe8f8664b48ca68ad3ae795ca08a9c70a17fa17fd7b4a77befab"
        "ff7d9164650000000000000090708469867062536d49876eb986795c755875587558956c916fb082e4af976991647b5c706470648664"
        "ba8b866986698670ad86ad8638b986866f8475916f916f8669a78a2d86708670c8b2867097709770b986795c796d907090709c709c70"
        "9c70906780648064806486696d49b2906d49866486648470c2b0c0a48566c3b6cfb09c709686795c8475ffffffffffff9c70bd91ffff"
        "ffffffffffffffffffffffffffffffff"
    ),
    0x590: (
        "ff0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000004d00710000380000"
        "4c00ffffffffffffffff7e78556f7f34418483346b696a888a344e84757d7a656d766b928bffffffffff6666664d79ffffffffffffff"
        "ffffffff"
    ),
    0x1E00: (
        "8670867086708670916491709170917091709170867086708670867086707b389c7091709170917091709170382d3838866486648664"
        "702d702d702d702da7a7a7a7a7a791709170917091709c709c709c709c70867086709143914391439143866486648664866486647b38"
        "7b387b387b389170917091709170917086648664bd91bd91bd91bd91bd918664866486647b647b647b6470389164702dffff8dff8670"
        "8670867086708670867086708670867086708670867086708670867086708670867086708670382d382d9c709c709c709c709c709c70"
        "9c70ac84ac84ac84ac84ac8491709170ab86ab86ab86ab86ab868664866486648664ffffffffffff"
    ),
    0x2000: (
        "64c864c843322270382911000000000043ff7070c8c8536f2d2d2d2d43434343707047ffffffc8ffffff000000000029c8ff264747ff"
        "ffffff4343ff64ff43ffffffffff22ffffffffffffffffffffffffffffffffffffffffffffffffff38ffffffffffffffffffffff0000"
        "00000000ffffffff565353495556ffffffffff4954444e52525151455350ffffffffffff4b4b4c424bffffffffffffffffffffff7091"
        "917070a791dbe9bdaa6770867bc869869c867091ffffffffffffffffff95ffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffff00ffffffffffffffffffffffffffffffffffffffffb2ffffffffffffffff"
        "ffffffffff41ffffd794ffffffffffffffffffffc8ffffff9affffffffffffff79ffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffbd62ffffffffa7a7ffffffffffffa7a7a7a7ffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffff64ffffffffffffffffffffffc864c864c864ffffffffffffffffffffffffffffffffffff64ffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc8ffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffff63ffffff7bffffffffffffffffa5ff8f75ffff22ffffff386eff"
        "ffff8fc4ffffffffffffffffff90ff37ffffffffffffffffffffffffffffffffffffffffffffffffffffffff6effffffffffffffffff"
        "ffffffffffffffffffffffffffff6e75c8ff6e6effffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffff79ffffffffffffffffffffffffff75ffffffffffffffffffffffffffffff7979ffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff8eff7dffffffffffffffffff8effffff"
        "8effffff8effffff8effffff8effffffffffffff8effffffffffffff8effffffffffffff8effffffffffffff8effffffffffffffffff"
        "ffffffffffffffffffff8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8effffffffffffffffffffffffffffff"
        "ffffffff8effffff8effffff8effffff8effffff8e8e8e92ffffffffffffffffffffffff7979ffffffffffffffff4747c8ffffffffff"
        "c6ffffffffffffffc6ffc6ffffffffffffffc6ffffffffff637977ffff7979797979797979797979ffffffffffffffffffffffff47ff"
        "ffffffffffffffffffffffffffffffffffffffffffffffff"
    ),
}
BOLD = {
    0x20: (
        "38435f7070b2913043434e75384338387070707070707070707043437575757bc491919191867b9c913870917ba7919c869c91867b91"
        "86bd86867b433843757043707b707b70437b7b38387038b27b7b7b7b4e70437b709c7070644e384e75ffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffff384370707070387043944b707543946f506e43434374704343434a70a7a7a77b9191"
        "91919191c891868686863838383891919c9c9c9c9c759c9191919186867b707070707070b27070707070383838387b7b7b7b7b7b7b6e"
        "7b7b7b7b7b707b7091709170917091709170917091709190917b867086708670867086709c7b9c7b9c7b9c7b917b917b383838383838"
        "383838389d7070389170707b387b387b4e7b607b38917b917b917b8e917b9c7b9c7b9c7bc8bd914e914e914e86708670867086707b43"
        "7b607b43917b917b917b917b917b917bbd9c8670867b647b647b64387ba8907b907b91917091a8907b7a86927e7b709c80bb38389170"
        "3870c7917b9cab8fb2959d7b8686707948437b437ba691a1919b707b647b7b6a6a707064747b38647543fff5dfeab270ffc8b2917038"
        "389c7b917b917b917b917b917b7091709170c8b29c7b9c7b91709c7b9c7b7b6a38fff5df9c7bcf86917b9170c8b29c7b917091708670"
        "8670383838389c7b9c7b914e914e917b917b86707b437469917b8da87f7f7b64917086709c7b9c7b9c7b9c7b867064a76638bfbf9191"
        "707b7b70648261919186867070389b7b914e8670"
    ),
    0x370: (
        "ffffffff4343ffffffff4370707043ffffffffff435d9143abb65fffa5ffbaa83891917990867b919c389186a791819c9186ff797b86"
        "a586a2a138867b5b7b38757b7b707a5f5d7b6d3870707b705a7b9a7c69895a75907497a938757b75a9ff7b759bc99b96a9889c7b9170"
        "7b5b976aa17bc7b28d7b8d798686817993746658887c70389c6060867b91a7947c9191918686b2728f86383870dbd5af7b907d909190"
        "91728f86b57e90907b8da7919c9086917b7dab86938dc9ccaec4908fcf90707c7b547f708e647b7b658094797b797b706270af707b75"
        "a7a992ab7b6fab7570707b546f70383938c2b67b657b7079ff9cae8dc4a08670baa1a297d8c57e64a2979c7ba382a382e1c3a380ffb5"
        "ff9c91707500000000000000907b907b867b625a72548d78b58e7e647b657b657b65997d9179b08fe2b9917491707b62707070708670"
        "ab8a8d758d758d7bac88ac8838b58e8d788d80917991798d75a7943891709170c8b2867092709270b58e7e647e6a907b907b9c7b9c7b"
        "9c7b8f6f7d707d707d708d757254c4ab725486708670907bcfbbc0aa846ccbc0cfb99c769a8d7e648d80ffffffffffff9c7bbd9cffff"
        "ffffffffffffffffffffffffffffffff"
    ),
    0x590: (
        "ff0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000004d00710000430000"
        "5500ffffffffffffffff89816075883d4a8d8a3d746f7391923d578c7c87836f7a8374a290ffffffffff797979527dffffffffffffff"
        "ffffffff"
    ),
    0x1E00: (
        "9170917b917b917b9170917b917b917b917b917b867086708670867086707b439c7b917b917b917b917b917b38383838917091709170"
        "7b387b387b387b38a7b2a7b2a7b2917b917b917b917b9c7b9c7b9c7b9c7b867b867b914e914e914e914e867086708670867086707b43"
        "7b437b437b43917b917b917b917b917b86708670bd9cbd9cbd9cbd9cbd9c8670867086707b647b647b647b439c707038ffff90ff9170"
        "9170917091709170917091709170917091709170917086708670867086708670867086708670383838389c7b9c7b9c7b9c7b9c7b9c7b"
        "9c7bab8fab8fab8fab8fab8f917b917ba691a691a691a691a6918670867086708670ffffffffffff"
    ),
    0x2000: (
        "64c864c843322270382911000000000043ff7070c8c8646f3838383864646464707047ffffffc8ffffff000000000029c8ff306060ff"
        "ffffff4343ff79ff43ffffffffff22ffffffffffffffffffffffffffffffffffffffffffffffffff43ffffffffffffffffffffff0000"
        "00000000ffffffff635e5d535f5fffffffffff505b53595d605c5b505e5bffffffffffff4c4c534a4cffffffffffffffffffffff7091"
        "917070b291dbf6bdb16770917bda70869c918691ffffffffffffffffffa3ffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffff00ffffffffffffffffffffffffffffffffffffffffb2ffffffffffffffff"
        "ffffffffff62ffffdf94ffffffffffffffffffffc8ffffff9affffffffffffff79ffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffc865ffffffffa7a7ffffffffffffa7a7a7a7ffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffff70ffffffffffffffffffffffc864c864c864ffffffffffffffffffffffffffffffffffff64ffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc8ffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffff63ffffff7bffffffffffffffffa5ff8f75ffff22ffffff386eff"
        "ffff8fc4ffffffffffffffffff91ff37ffffffffffffffffffffffffffffffffffffffffffffffffffffffff6effffffffffffffffff"
        "ffffffffffffffffffffffffffff6e75c8ff6e6effffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffff79ffffffffffffffffffffffffff75ffffffffffffffffffffffffffffff7979ffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff8eff7dffffffffffffffffff8effffff"
        "8effffff8effffff8effffff8effffffffffffff8effffffffffffff8effffffffffffff8effffffffffffff8effffffffffffffffff"
        "ffffffffffffffffffff8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8e8effffffffffffffffffffffffffffff"
        "ffffffff8effffff8effffff8effffff8effffff8e8e8e92ffffffffffffffffffffffff7979ffffffffffffffff4747c8ffffffffff"
        "c6ffffffffffffffc6ffc6ffffffffffffffc6ffffffffff637977ffff7979797979797979797979ffffffffffffffffffffffff47ff"
        "ffffffffffffffffffffffffffffffffffffffffffffffff"
    ),
}
