from tokenguard.masking.current import Leak as Leak
from tokenguard.masking.current import mask as mask
from tokenguard.masking.current import unmask as unmask
from tokenguard.masking.install import install as install

__version__: str
